/** A button that asks back. */
import { Component } from "preact";

export interface ConfirmProps {
  readonly label: string;
  readonly question: string;
  readonly yes: string;
  readonly act: () => void;
}

export class Confirm extends Component<ConfirmProps, { readonly isAsking: boolean }> {
  override state = { isAsking: false };

  override render({ label, question, yes, act }: ConfirmProps) {
    const ask = (isAsking: boolean) => () => this.setState({ isAsking });
    if (!this.state.isAsking) {
      return (
        <button type="button" onClick={ask(true)}>
          {label}
        </button>
      );
    }
    const done = () => {
      this.setState({ isAsking: false });
      act();
    };
    return (
      <span class="confirm" role="alert">
        {question}
        <button type="button" class="danger" onClick={done}>
          {yes}
        </button>
        <button type="button" onClick={ask(false)}>
          No
        </button>
      </span>
    );
  }
}
