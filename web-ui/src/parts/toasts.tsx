import { Toast } from "@base-ui/react/toast";
import { CircleAlert, CircleCheck, X } from "lucide-react";
import { troubleOf } from "./parts.tsx";

const manager = Toast.createToastManager();

/** News that no one waits for: shown for a while, read out by screen readers. */
export const tell = {
  good: (title: string, description?: string): void =>
    void manager.add({ title, type: "good", ...(description === undefined ? {} : { description }) }),
  bad: (title: string, error: unknown): void => {
    const { message, hint, code } = troubleOf(error);
    manager.add({
      title,
      description: `${message} (${code}). ${hint}`,
      type: "bad",
      timeout: 12_000,
      priority: "high",
    });
  },
};

export const Toasts = () => (
  <Toast.Provider toastManager={manager}>
    <Toast.Portal>
      <Toast.Viewport className="toasts">
        <List />
      </Toast.Viewport>
    </Toast.Portal>
  </Toast.Provider>
);

function List() {
  const { toasts } = Toast.useToastManager();
  return toasts.map((toast) => (
    <Toast.Root key={toast.id} toast={toast} className={`toast ${toast.type ?? "good"}`}>
      {toast.type === "bad" ? (
        <CircleAlert className="mark" aria-hidden="true" />
      ) : (
        <CircleCheck className="mark" aria-hidden="true" />
      )}
      <div className="grow">
        <Toast.Title className="toast-title" />
        <Toast.Description className="toast-words" />
      </div>
      <Toast.Close className="button small icon quiet" aria-label="Dismiss">
        <X aria-hidden="true" />
      </Toast.Close>
    </Toast.Root>
  ));
}
