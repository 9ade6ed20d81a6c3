import { Dialog as Base } from "@base-ui/react/dialog";
import { X } from "lucide-react";
import type { ReactNode } from "react";
import "../styles/layers.css";

interface DialogProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly title: string;
  readonly children: ReactNode;
  readonly wide?: boolean;
  /** Only its own buttons close it: what it shows, or is about to show, is shown once. */
  readonly stays?: boolean;
}

/** A question or a closer look, above the page; Escape and a click beside it close it. */
export const Dialog = ({ open, onClose, title, children, wide = false, stays = false }: DialogProps) => (
  <Base.Root open={open} onOpenChange={(next) => (next || stays ? undefined : onClose())}>
    <Base.Portal>
      <Base.Backdrop className="backdrop" />
      <Base.Popup className={wide ? "dialog wide" : "dialog"}>
        <header>
          <Base.Title>{title}</Base.Title>
          {stays ? null : (
            <Base.Close className="button small icon quiet" aria-label="Close">
              <X aria-hidden="true" />
            </Base.Close>
          )}
        </header>
        <div className="content">{children}</div>
      </Base.Popup>
    </Base.Portal>
  </Base.Root>
);

interface ConfirmProps {
  readonly open: boolean;
  readonly onClose: () => void;
  readonly onConfirm: () => void;
  readonly title: string;
  readonly action: string;
  readonly children: ReactNode;
}

/** Asks before something that cannot be undone. */
export const Confirm = ({ open, onClose, onConfirm, title, action, children }: ConfirmProps) => (
  <Dialog open={open} onClose={onClose} title={title}>
    <div className="muted">{children}</div>
    <div className="buttons">
      <button type="button" className="button" onClick={onClose}>
        Keep it
      </button>
      <button
        type="button"
        className="button danger"
        onClick={() => {
          onConfirm();
          onClose();
        }}
      >
        {action}
      </button>
    </div>
  </Dialog>
);
