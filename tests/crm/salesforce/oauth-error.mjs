// An answer of the OAuth endpoints that is not a token.
export class OAuthError extends Error {
  constructor(error, description, status = 400) {
    super(description ?? error);
    this.status = status;
    this.body = { error, error_description: description ?? error };
  }
}
