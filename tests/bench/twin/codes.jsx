// The list of codes as somebody would write it with React: the same rows from JSON, found by what is typed.

import { useMemo, useState } from "react";
import { createRoot } from "react-dom/client";

const ROWS = 40;

function Row({ code }) {
  return (
    <li>
      <a className="item" href={`#${code.id}`} data-testid="code-row">
        <span className="badge on" aria-hidden="true" />
        <div>
          <p className="item-title">{code.label}</p>
          <p className="item-sub">{code.when}</p>
        </div>
        <span className="chip on">{code.state}</span>
      </a>
    </li>
  );
}

function Codes({ codes }) {
  const [text, setText] = useState("");
  const found = useMemo(() => {
    const wanted = text.trim().toLowerCase();
    return codes.filter((code) => code.label.toLowerCase().includes(wanted));
  }, [codes, text]);
  return (
    <main className="page">
      <h1>Codes</h1>
      <label className="field">
        Find <input className="input" type="search" data-testid="codes-search" value={text} onChange={(e) => setText(e.target.value)} />
      </label>
      <p data-testid="codes-found">{found.length} codes</p>
      <ul className="card flush list">
        {found.slice(0, ROWS).map((code) => (
          <Row key={code.id} code={code} />
        ))}
      </ul>
    </main>
  );
}

const codes = await (await fetch("/codes.json")).json();
createRoot(document.getElementById("app")).render(<Codes codes={codes} />);
