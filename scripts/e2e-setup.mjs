// The end-to-end tests start the built programs, so those are never older than the sources.
import { build } from './build.mjs';

export const setup = () => build();
