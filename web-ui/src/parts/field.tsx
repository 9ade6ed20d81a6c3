import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes } from "react";

interface FieldProps {
  readonly label: string;
  readonly hint?: ReactNode;
}

interface Ties {
  readonly id: string;
  readonly "aria-describedby": string | undefined;
}

/** A label above what one fills in, and below it a hint that is read out with it. */
export function Field({ label, hint, children }: FieldProps & { readonly children: (ties: Ties) => ReactNode }) {
  const id = useId();
  const hintId = `${id}-hint`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, "aria-describedby": hint === undefined ? undefined : hintId })}
      {hint === undefined ? null : (
        <p id={hintId} className="hint">
          {hint}
        </p>
      )}
    </div>
  );
}

/** A line of text. */
export const TextField = ({ label, hint, ...input }: FieldProps & InputHTMLAttributes<HTMLInputElement>) => (
  <Field label={label} hint={hint}>
    {(ties) => <input className="input" {...ties} {...input} />}
  </Field>
);

/** What people call their machines and keys. */
export const NameField = (field: Omit<FieldProps, "hint"> & InputHTMLAttributes<HTMLInputElement>) => (
  <TextField pattern="[a-z0-9][a-z0-9\-]*" hint="Lower-case letters, digits and dashes" autoComplete="off" {...field} />
);

interface Option {
  readonly value: string;
  readonly label: string;
}

type SelectProps = FieldProps & SelectHTMLAttributes<HTMLSelectElement> & { readonly options: readonly Option[] };

export const SelectField = ({ label, hint, options, ...select }: SelectProps) => (
  <Field label={label} hint={hint}>
    {(ties) => (
      <select className="input" {...ties} {...select}>
        {options.map(({ value, label }) => (
          <option key={value} value={value}>
            {label}
          </option>
        ))}
      </select>
    )}
  </Field>
);
