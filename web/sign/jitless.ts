import { z } from 'zod';

// Before any schema is made: the page's policy forbids code from text, and zod would try.
z.config({ jitless: true });
