/** A body that is no JSON document: the client's fault, which a SyntaxError from anywhere else is not. */
export class NotJson extends Error {
  override readonly name = 'NotJson';
}

/** The document that was sent; an empty one where nothing was. Throws NotJson. */
export async function bodyOf(request: { text(): Promise<string> }): Promise<unknown> {
  const text = await request.text();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch {
    throw new NotJson('the body is not JSON');
  }
}
