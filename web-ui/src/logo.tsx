export const Logo = () => (
  <svg className="logo" viewBox="0 0 32 32" aria-hidden="true">
    <path d="M16 1.5 28.6 8.8v14.4L16 30.5 3.4 23.2V8.8z" fill="#f5b83d" />
    <path d="M16 9.2l5.9 3.4v6.8L16 22.8l-5.9-3.4v-6.8z" fill="#14120f" />
  </svg>
);
