import { Component, type ReactNode } from "react";
import { Trouble } from "./parts.tsx";

interface State {
  readonly broken?: { readonly error: unknown };
}

/** What breaks in here is told here, and the rest of the page stays. */
export class Boundary extends Component<{ readonly children: ReactNode }, State> {
  override state: State = {};

  static getDerivedStateFromError = (error: unknown): State => ({ broken: { error } });

  override render(): ReactNode {
    const { broken } = this.state;
    if (broken === undefined) return this.props.children;
    return (
      <div className="stack">
        <Trouble error={broken.error} />
        <div className="row">
          <button type="button" className="button" onClick={() => location.reload()}>
            Load the page anew
          </button>
        </div>
      </div>
    );
  }
}
