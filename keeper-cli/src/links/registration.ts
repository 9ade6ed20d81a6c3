import { join } from "node:path";

/** What registers `rbee://` with one platform: files to write, and programs to run behind that. */
export interface Registration {
  readonly files: readonly { readonly path: string; readonly text: string; readonly mode: number }[];
  readonly run: readonly (readonly [program: string, ...args: string[]])[];
  /** The other way round: programs first, then the files and folders to remove. */
  readonly undo: { readonly run: Registration["run"]; readonly remove: readonly string[] };
}

interface Desktop {
  readonly platform: NodeJS.Platform;
  /** The person's home folder. */
  readonly home: string;
  /** Where applications of this person are described, if not in the usual place. */
  readonly dataHome?: string | undefined;
  /** What starts this keeper: the program and its first arguments, as absolute paths. */
  readonly command: readonly string[];
}

const DESKTOP_FILE = "rbee-links.desktop";
const BUNDLE = "dev.rbee.links";
const REGISTRY_KEY = String.raw`HKCU\Software\Classes\rbee`;

const makers: Partial<Record<NodeJS.Platform, (desktop: Desktop) => Registration>> = {
  linux: forLinux,
  darwin: forMac,
  win32: forWindows,
};

/** How `rbee://` is registered here; `undefined` where nobody knows. Pure: nothing is touched. */
export function registrationFor(desktop: Desktop): Registration | undefined {
  return makers[desktop.platform]?.(desktop);
}

/** Behind `--` nothing is a flag any more, however a link breaks out of its quotes. */
const opening = (command: readonly string[]): string[] => [...command, "links", "open", "--"];

/** https://specifications.freedesktop.org/desktop-entry-spec */
function forLinux({ home, dataHome, command }: Desktop): Registration {
  // Empty means unset there, too.
  const folder = join(dataHome || join(home, ".local", "share"), "applications");
  const path = join(folder, DESKTOP_FILE);
  const exec = opening(command).map(desktopQuoted).join(" ");
  const text = [
    "[Desktop Entry]",
    "Type=Application",
    "Name=rbee",
    "Comment=Opens rbee:// links and asks before anything happens",
    `Exec=${exec} %u`,
    "Terminal=true",
    "NoDisplay=true",
    "MimeType=x-scheme-handler/rbee;",
    "",
  ].join("\n");
  const update = ["update-desktop-database", folder] as const;
  return {
    files: [{ path, text, mode: 0o644 }],
    run: [["xdg-mime", "default", DESKTOP_FILE, "x-scheme-handler/rbee"], update],
    undo: { run: [], remove: [path] },
  };
}

/** In double quotes these four are special, and a percent sign begins a field code. xdg-open knows no quotes: none without need. */
const desktopQuoted = (word: string): string => {
  const text = word.replaceAll("%", "%%");
  if (/^[\w./:@%+,=-]+$/.test(text)) return text;
  return `"${text.replaceAll(/["`$\\]/g, String.raw`\$&`).replaceAll("\\", "\\\\")}"`;
};

/** An application without a window, whose script is given the link by the system. */
function forMac({ home, command }: Desktop): Registration {
  const app = join(home, "Applications", "rbee links.app");
  const plist = `<?xml version="1.0" encoding="UTF-8"?>
<!DOCTYPE plist PUBLIC "-//Apple//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<plist version="1.0"><dict>
  <key>CFBundleIdentifier</key><string>${BUNDLE}</string>
  <key>CFBundleName</key><string>rbee links</string>
  <key>CFBundlePackageType</key><string>APPL</string>
  <key>CFBundleExecutable</key><string>applet</string>
  <key>LSUIElement</key><true/>
  <key>CFBundleURLTypes</key><array><dict>
    <key>CFBundleURLName</key><string>${BUNDLE}</string>
    <key>CFBundleURLSchemes</key><array><string>rbee</string></array>
  </dict></array>
</dict></plist>
`;
  // Links come as events, which a shell script does not get: a compiled AppleScript does.
  const words = opening(command)
    .map((word) => `quoted form of ${JSON.stringify(word)}`)
    .join(' & " " & ');
  const script = `on open location link\n  do shell script ${words} & " " & quoted form of link\nend open location\n`;
  // Beside the bundle, which osacompile makes anew.
  const folder = join(home, "Library", "Application Support", "rbee", "links");
  const source = join(folder, "links.applescript");
  const info = join(folder, "Info.plist");
  return {
    files: [
      { path: source, text: script, mode: 0o644 },
      { path: info, text: plist, mode: 0o644 },
    ],
    run: [
      ["osacompile", "-o", app, source],
      ["cp", info, join(app, "Contents", "Info.plist")],
      [
        "/System/Library/Frameworks/CoreServices.framework/Frameworks/LaunchServices.framework/Support/lsregister",
        "-f",
        app,
      ],
    ],
    undo: { run: [], remove: [app, folder] },
  };
}

function forWindows({ command }: Desktop): Registration {
  // `%1` is the link; the parser refuses whatever could end the quotes.
  const open = `${opening(command)
    .map((word) => `"${word}"`)
    .join(" ")} "%1"`;
  const add = (key: string, ...value: string[]): [string, ...string[]] => ["reg.exe", "add", key, ...value, "/f"];
  return {
    files: [],
    run: [
      add(REGISTRY_KEY, "/ve", "/d", "URL:rbee"),
      add(REGISTRY_KEY, "/v", "URL Protocol", "/d", ""),
      add(String.raw`${REGISTRY_KEY}\shell\open\command`, "/ve", "/d", open),
    ],
    undo: { run: [["reg.exe", "delete", REGISTRY_KEY, "/f"]], remove: [] },
  };
}
