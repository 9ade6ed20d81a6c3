import type { HiveInfo } from "@rbee/sdk";
import { Link } from "wouter";
import { SelectField } from "./field.tsx";

interface HiveFieldProps {
  readonly hives: readonly HiveInfo[];
  readonly value: string;
  readonly onChange: (hive_id: string) => void;
  /** Hives that a model fits on, where somebody knows. */
  readonly fits?: readonly string[];
  /** The queen may choose one. */
  readonly auto?: boolean;
}

/** Instead of it, where none can be chosen. */
export const NoHive = () => (
  <p>
    No hive is connected. <Link href="/add">Add one</Link>, or start the agent of one that was.
  </p>
);

/** Which machine. */
export const HiveField = ({ hives, value, onChange, fits = [], auto = false }: HiveFieldProps) => (
  <SelectField
    label="Hive"
    value={value}
    onChange={(event) => onChange(event.target.value)}
    options={[
      ...(auto ? [{ value: "auto", label: "Choose for me" }] : []),
      ...hives.map(({ hive_id }) => ({
        value: hive_id,
        label: `${hive_id}${fits.includes(hive_id) ? ", fits" : ""}`,
      })),
    ]}
  />
);
