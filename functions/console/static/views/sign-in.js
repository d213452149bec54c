/** Signing in: by the user pool, or with a pasted token if the stack has no pool. */

import { html, useEffect, useRef, useState } from "../vendor/htm/standalone.module.js";
import { signIn } from "../session.js";
import { Heading } from "./parts.js";

/** @param {{pool: boolean, issuer: string, notice?: string}} props */
export function SignIn({ pool, issuer, notice }) {
  const [step, setStep] = useState({ ask: pool ? "password" : "token" });
  const [error, setError] = useState("");
  const [busy, setBusy] = useState(false);
  const form = useRef(null);
  useEffect(() => form.current.querySelector("input:not([readonly]), textarea").focus(), [step.ask]);
  const submit = async (event) => {
    event.preventDefault();
    if (busy) return;
    setBusy(true);
    setError("");
    try {
      const answers = Object.fromEntries(new FormData(form.current));
      const next = await signIn(answers);
      if (next.ask) setStep({ ...next, username: answers.username });
    } catch (problem) {
      setError(problem.message);
    }
    setBusy(false);
  };
  return html`<section class="sign-in card">
    <${Heading} title="Sign in" />
    ${notice && html`<p class="notice tone-info" role="status">${notice}</p>`}
    <form ref=${form} onSubmit=${submit} aria-describedby=${error ? "sign-in-error" : undefined}>
      <${FIELDS[step.ask]} hint=${step.hint} username=${step.username} issuer=${issuer} />
      ${error && html`<p id="sign-in-error" class="problem" role="alert">${error}</p>`}
      <button class="primary" data-testid="sign-in" aria-disabled=${busy}>
        ${busy ? "One moment…" : BUTTONS[step.ask]}</button>
    </form>
  </section>`;
}

/** The template's rule. A fork may have another one: the user pool decides. */
const RULE = "At least 12 characters, with a capital letter, a small letter and a digit.";

const BUTTONS = { password: "Sign in", token: "Use this token", newPassword: "Set password", code: "Go on" };

const FIELDS = {
  password: () => html`
    <label>User name or e-mail<input name="username" autocomplete="username" autocapitalize="none" spellcheck=${false}
      required /></label>
    <label>Password<input name="password" type="password" autocomplete="current-password" required /></label>`,
  newPassword: ({ username }) => html`
    <input class="hidden-text" name="username" autocomplete="username" value=${username} readonly tabindex="-1"
      aria-hidden="true" />
    <p>This is your first time here. Choose a password of your own.</p>
    <label>New password<input name="newPassword" type="password" autocomplete="new-password" required
      aria-describedby="rule" /></label>
    <p id="rule" class="hint">${RULE}</p>`,
  code: ({ hint }) => html`
    <label>Code<input name="code" inputmode="numeric" autocomplete="one-time-code" required /></label>
    <p class="hint">${hint ? `It was sent to ${hint}.` : "Your authenticator app shows it."}</p>`,
  token: ({ issuer }) => html`
    <p>This stack takes ID tokens of <b>
      ${issuer || "your own issuer"}</b>. Get one there and paste it here. It stays in this tab.</p>
    <label>ID token<textarea name="token" rows="6" spellcheck=${false} autocomplete="off" required></textarea></label>`,
};
