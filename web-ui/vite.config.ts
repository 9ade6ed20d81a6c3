import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** `npx vite web-ui` while working on it: the API comes from the queen that `npm start` runs. */
const queen = process.env["RBEE_URL"] ?? "http://127.0.0.1:7833";

export default defineConfig({
  plugins: [react()],
  build: { target: "es2024", modulePreload: { polyfill: false }, assetsInlineLimit: 0 },
  server: { proxy: Object.fromEntries(["/v1", "/metrics", "/health"].map((path) => [path, queen])) },
});
