/** The way in. */
import { Component, type TargetedInputEvent } from "preact";
import type { Visitor } from "../site.js";
import { login, Refused } from "./api.js";

export interface LoginProps {
  readonly asks: Visitor["asks"];
  readonly done: () => void;
}

interface LoginState {
  readonly secret: string;
  readonly wrong: string;
}

const HINTS = {
  password: "The password that lumicast authority web-password has set.",
  code: "The code stands where the program was started. It counts once.",
};

export class Login extends Component<LoginProps, LoginState> {
  override state: LoginState = { secret: "", wrong: "" };

  override render({ asks }: LoginProps, { secret, wrong }: LoginState) {
    const field = {
      id: "secret",
      autocapitalize: "characters",
      spellcheck: false,
      value: secret,
      onInput: (event: TargetedInputEvent<HTMLInputElement>) =>
        this.setState({ secret: event.currentTarget.value }),
    } as const;
    return (
      <form class="login card" onSubmit={(event) => void this.#enter(event)}>
        <h2>Log in</h2>
        <label for="secret">
          {asks === "code" ? "Code" : "Password"}
          {asks === "code" ? (
            <input {...field} type="text" autocomplete="one-time-code" />
          ) : (
            <input {...field} type="password" autocomplete="current-password" />
          )}
        </label>
        <button type="submit" disabled={secret === ""}>
          Log in
        </button>
        <p class="hint">{HINTS[asks]}</p>
        <p class="bad" role="alert">
          {wrong}
        </p>
      </form>
    );
  }

  async #enter(event: Event): Promise<void> {
    event.preventDefault();
    const { secret } = this.state;
    // What was typed is kept nowhere, right or wrong.
    this.setState({ secret: "" });
    try {
      await login(secret);
      this.props.done();
    } catch (error) {
      const waitMs = error instanceof Refused ? error.waitMs : 0;
      const wait = waitMs > 0 ? ` Wait ${Math.ceil(waitMs / 1000)} s.` : "";
      this.setState({ wrong: `That was not it.${wait}` });
    }
  }
}
