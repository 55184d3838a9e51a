"""The page's stylesheet: light, dark, narrow and printed."""

STYLE = """
:root { color-scheme: light dark; --paper: #fefefd; --ink: #23282e; --soft: #5d6670;
  --rule: #d9dde2; --accent: #1d5f9e; --right: #1b7a3d; --wrong: #c02b22; }
@media screen and (prefers-color-scheme: dark) { :root { --paper: #15181b; --ink: #e4e7ea;
  --soft: #9ba5af; --rule: #353b42; --accent: #7db4e8; --right: #4cb871; --wrong: #f2776d; } }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 1.0625rem/1.6 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: clamp(1.5rem, 5vw, 4rem) clamp(1rem, 4vw, 2rem); }
h1 { font-size: clamp(1.7rem, 1.3rem + 2vw, 2.4rem); line-height: 1.15; letter-spacing: -.02em;
  margin: 0; text-wrap: balance; overflow-wrap: anywhere; }
h2, h3 { font-size: 1.3rem; line-height: 1.3; letter-spacing: -.01em; margin: 3rem 0 .75rem;
  padding-top: 1.1rem; border-top: 1px solid var(--rule); overflow-wrap: anywhere; }
h2.chapter { font-size: 1.7rem; margin-top: 4.5rem; border-top-width: 3px; }
p { max-width: 42rem; margin: 0 0 1rem; overflow-wrap: anywhere; }
.subtitle { font-size: 1.15rem; color: var(--soft); margin: .6rem 0 0;
  text-wrap: balance; }
a { color: var(--accent); text-underline-offset: .2em; }
nav ol { display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; list-style: none; padding: 0;
  margin: 1.4rem 0 0; font-size: .95rem; }
nav .chapter { flex-basis: 100%; font-weight: 600; }
figure { margin: 1.6rem 0 2rem; }
figcaption { max-width: 42rem; margin-top: .6rem; font-size: .9rem; line-height: 1.45;
  color: var(--soft); }
.wide { overflow-x: auto; max-width: 100%; }
.wide:focus-visible { outline: 2px solid var(--accent); outline-offset: 4px; }
.wide svg, .wide > img { display: block; height: auto; }
.card { background: #fff; color: #000; border-radius: .4rem; padding: .5rem; width: fit-content; }
.data { border-collapse: collapse; font-size: .95rem; font-variant-numeric: tabular-nums; }
.data th { text-align: left; font-weight: 600; color: var(--soft); vertical-align: bottom;
  border-bottom: 1px solid var(--soft); }
.data th, .data td { padding: .4rem 1.6rem .4rem 0; }
.data .number { text-align: right; }
.data td { border-bottom: 1px solid var(--rule); white-space: nowrap; }
.data .long { white-space: normal; min-width: 16rem; }
.data strong { font-weight: 700; color: var(--accent); }
.pictures { border-collapse: separate; border-spacing: 0; padding-top: 8px; }
.pictures td { padding: 0 .6rem .7rem 0; vertical-align: top; text-align: center; }
.picture { position: relative; display: inline-block; border: 3px solid transparent;
  border-radius: 4px; line-height: 0; }
.picture img { display: block; border-radius: 1px; }
.pixels { image-rendering: pixelated; }
.right .picture { border-color: var(--right); }
.wrong .picture { border-color: var(--wrong); }
.sign { position: absolute; right: -7px; top: -7px; width: 20px; height: 20px; border-radius: 50%;
  font: bold 13px/20px system-ui, sans-serif; color: var(--paper); }
.right .sign { background: var(--right); }
.wrong .sign { background: var(--wrong); }
.label { display: block; max-width: 7rem; margin: .15rem auto 0; font-size: .8rem; line-height: 1.3;
  color: var(--soft); overflow-wrap: anywhere; }
.wrong .label { color: var(--wrong); }
@media print { body { font-size: 10.5pt; } main { max-width: none; padding: 0; }
  .wide { overflow: visible; } .data { font-size: 8.5pt; } .data td { white-space: normal; }
  .data th, .data td { padding-right: .9rem; } .data .long { min-width: 0; }
  .picture img { max-width: 3.9rem; height: auto; }
  h2, h3 { break-after: avoid; } tr, figure { break-inside: avoid; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; } }
"""
