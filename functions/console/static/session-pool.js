/** A session by the stack's user pool: SRP, which proves the password without sending it. */

const LIBRARY = "./vendor/amazon-cognito-identity-js/amazon-cognito-identity.min.js";

export class PoolSession {
  /** @param {import("./config.js").Config} config */
  constructor(config) {
    this.ready = import(LIBRARY).then(() => {
      this.library = globalThis.AmazonCognitoIdentity;
      this.pool = new this.library.CognitoUserPool({
        UserPoolId: config.userPoolId,
        ClientId: config.userPoolClientId,
        endpoint: config.cognitoEndpoint || undefined,
        Storage: sessionStorage,
      });
    });
  }

  /** The library renews an expired token, and returns a valid one. */
  async token() {
    await this.ready;
    const user = this.pool.getCurrentUser();
    if (!user) return undefined;
    return idToken(await called((done) => user.getSession(done)));
  }

  async renew() {
    const user = this.pool.getCurrentUser();
    if (!user) return undefined;
    const session = await called((done) => user.getSession(done));
    return idToken(await called((done) => user.refreshSession(session.getRefreshToken(), done)));
  }

  async signIn({ username, password, newPassword, code }) {
    await this.ready;
    if (newPassword) return this.step((to) => this.user.completeNewPasswordChallenge(newPassword, {}, to));
    if (code) return this.step((to) => this.user.sendMFACode(code.trim(), to, this.codeType));
    this.user = new this.library.CognitoUser({ Username: username, Pool: this.pool, Storage: sessionStorage });
    const details = new this.library.AuthenticationDetails({ Username: username, Password: password });
    return this.step((to) => this.user.authenticateUser(details, to));
  }

  /** Forgets the tokens at once; the user pool revokes the refresh token, the others end within an hour. */
  forget() {
    const user = this.pool?.getCurrentUser();
    if (!user) return;
    const token = sessionStorage.getItem(`${user.keyPrefix}.${user.getUsername()}.refreshToken`);
    user.signOut();
    if (token) user.revokeToken({ token, callback: () => undefined });
  }

  /** The library calls one of these for each next step. */
  step(begin) {
    const code = (type) => (_, parameters) => {
      this.codeType = type;
      return { ask: "code", hint: parameters?.CODE_DELIVERY_DESTINATION };
    };
    return new Promise((resolve, reject) => {
      const ask = (make) => (...found) => resolve(make(...found));
      begin({
        onSuccess: ask(() => ({})),
        onFailure: (error) => reject(new Error(explained(error))),
        newPasswordRequired: ask(() => ({ ask: "newPassword" })),
        totpRequired: ask(code("SOFTWARE_TOKEN_MFA")),
        mfaRequired: ask(code("SMS_MFA")),
      });
    });
  }
}

function called(begin) {
  return new Promise((resolve, reject) => begin((error, found) => (error ? reject(error) : resolve(found))));
}

const idToken = (session) => session.getIdToken().getJwtToken();

const WORDS = {
  NotAuthorizedException: "The user name or the password is wrong.",
  UserNotFoundException: "The user name or the password is wrong.",
  PasswordResetRequiredException: "Your password has to be reset first. Ask the stack's operator.",
  InvalidPasswordException: "The user pool refuses this password: it is too short, or too simple.",
  CodeMismatchException: "That is not the code.",
  TooManyRequestsException: "Too many attempts. Wait a minute.",
  NetworkError: "The user pool cannot be reached.",
};

/** A wrong password, a blocked user and an expired challenge have the same code: the words tell them apart. */
function explained(error) {
  const code = error.code ?? error.name;
  const known = code === "NotAuthorizedException" && !/incorrect|invalid user/i.test(error.message ?? "");
  return known ? error.message : WORDS[code] ?? error.message ?? "Signing in did not work.";
}
