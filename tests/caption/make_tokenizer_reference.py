# ruff: noqa: RUF001
"""Remake `tokenizer_reference.json`: invented captions and what the reference makes of them.

    python tests/caption/make_tokenizer_reference.py

Needs Java and `pip install pycocoevalcap`, whose jar it runs as that package does.
"""

import importlib.util
import json
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
REFERENCE = HERE / "tokenizer_reference.json"
# A line that no caption is: it keeps what follows a caption out of its last token.
BETWEEN = "zq"

KINDS = {
    "plain": """
A man riding a wave on top of a surfboard.
two dogs , one brown and one white , run through the grass .
A GROUP OF PEOPLE STANDING AROUND
Blue-and-white bus on a tree-lined, one-way street!
A man wearing a  hat   looks up

.
""",
    "contractions": """
A dog's ball isn't in the children's pool; it's on the roof.
They're sure he'd seen what we'll see, but I'm not. You've won!
We cannot stay, can't go, won't run and DON'T care.
gonna gotta wanna Gimme lemme cannots gonnas
'Tis the season; 'twas y'all's ol' o'clock, ma'am
rock 'n' roll, rock'n'roll and rock-'n'-roll for 'em 'til nine 'cause they like it
the dogs' bowls, the boss's chair and a girls's team
O'Reilly, D'Artagnan, l'eau, c'est, Hawai'i, qu'il, aujourd'hui and fo'c'sle
DOG'S ISN'T HE'D WE'LL dog'S he'Ll n't 's 'd 'll
isn`t dog`s dog´s isn’t dog’s he’d ’tis ’em
c'mon e'er li'l s'mores nor'easter d'ye y'know goin'
ol'dog OL'SKY ol'x ol'd ol’dog j'dog j'x y'sog d'dé d's1 T'veé HE'DÉ dog'so ol'don't
O'o o'oo o’o O'e x-o'o éa'a ́a'a éa'A &eacute;y'a ­a'a
y'́ y'­x y'é it&apos;s it&APOS;s isn&apos;t isn&APOS;t
&APOS;em &APOS;90s &APOS;99 y&APOS;all ba&APOS;a
'tİs 'tıl 'ſ ſ'mores ­on't ­n't a­n't an­'t
""",
    "quotes": """
a sign that says "no parking" and 'stop' , ``go'' and `wait'
“curly” ‘quotes’ «angles» ‹small› „low‟ ‚one‛
"He said: 'stop!'" she wrote ''''
a 'sign' and a 's and 5'6" tall, 'a, "é" "$5" "9"
““double”” ‘“mixed”’ `“
""",
    "abbreviations": """
Mr. Smith and Mrs. Jones of St. Louis meet Dr. No at No. 5 Main St. in Mt. Vernon
Acme Inc. makes Corp. signs, Co. Ltd. and Sons. Calif. Dept. of Transp. Jan. 5
On Sunset Blvd. The car stops. On Sunset Blvd. a car stops. etc. etc.
a U.S. flag, the U.S. The end, J. R. Smith, J.R. A man, p.m. It rains
Fig. 3 of vol. 2 , pp. 5 to 7, No. no. 5 and no. way
e.g. a cat, i.e. not a dog vs. a Ph.D. student with an M.D.
Co.C is not etc.x or Rd.a--b but Inc.co is
St.-Pierre, Jan.-May, Mr.Big, a.m.-p.m. and U.S.-based
etc.c'mon etc.s'mores etc.x Jr.-9 Blvd.@n Jr.ั est.-a Mr.c'mon
non-U.S.laying non-U.S.Cannot x-U.S.A.b non-U.S and non-U.K and xon-U.S or non-U.S, non-U.S
t.-O'en a.b-d'en a.b-l'eau t-O'en fig.１ No. １
bear.、 bear., a-b.、 A&B., A&amp;B.: a_b.; r.,-U., n-U.S.., ­x.: ­1., 1­2., bear.)
MfG. MFG. PpTe. PTyS. ArK. mAss. MAss. WaSh. İnc. ſt. Maſs.
Mtg. MTG. Pty. PTY. wash. Wash. mass. Mass. LA. La. la.
""",
    "numbers": """
1 2 10 100 1,000 1,000,000 3.14 .5 0.5 -5 +5 1. 2) (3) #4 1st 2nd 3rd 21st
1/2 cup, 1 1/2 cups, 2-1/2 cups, 10/12 of 1½ ¼ ½ ¾ ⅓ ⅔ ⅛ 1⁄2
in 1990s and the '90s , '08 , 90's or 1980's at 5'6"
3:30pm 10:45 a.m. 12/25/99 2014-05-06 10-29-2011. 4:21 9/11 24/7
10% of 72°F in 5m² and 10⁻³ of H₂O , 2x4 4x4 5X7 -1/2
call 555-1234, (555) 555-1234 or 555 555 1234 or +44 20 7946 0958
1., 2.: 3.; a1., 1-2., 1.1.,
１２３ 3/4 １２３3/4 1/２ १२/१२/१२ 12-12-１２１２ １-1/2 １２３３３ 3/4 ­1-1/2 x . . .5 dog. . .5
2+2=4, 2*3, 5-10, 5–10, 1e5 1.5k 10.a 10.A
""",
    "money": """
It costs $5, $1.50, US$1,000, £10, €20, ¥5, 5¢ or C$3 and A$ $ %
$$ $5$ us$5 HK$5 AB$C
""",
    "punctuation": """
wait... what.. no.... six...... . . . . .. end…
stop!! what?! no?!? ¡hola! ¿qué? a!b a?b a.b a..b a...b
a - b -- c --- d ---- e ----- f – g — h ― i a--b -a a-
one;two:three,four one ; two : three , four
*bold* _under_ ~tilde~ ***three*** __two__ ## ++ == && || // \\\\ ^^ @@
DISP&AMP;LAYING A&amp;B A&B&AmP;C A+B&amp;C at&amp;t A&amp;Bc
a&b A&B AT&T R&D Q&A B&B's a+b A+B C++ C# F# c#
and/or he/she/it a/b/c/d w/ w/o 1/a TV/VCR km/h \\/ a\\/b
< > << >> <- -> => <= >= = + ^ ` | ~
""",
    "brackets": """
a dog -lrb- brown -rrb- runs -LCB- -RCB- -lcb- -rcb- -LSB- -RSB- -lsb- -rsb- -Lrb-
-RRB-tree tree-RRB- a-lrb-b 5-lrb- -lrb-5 -lrb--rrb- -lrb-, --lrb- -5-lrb- U.S.-lrb- -lrb lrb-
a (man) [woman] {child} <dog> ((nested)) [[x]] a) b] c} (a b. (c.)
""",
    "faces": """
happy :) sad :( wink ;-) tongue :P :p grin :D =) :o) :-/ :| :] <3 8) XD x_x ^_^ -_- >_< o_O
:)a :)1 :). a:) a:b:c ;] =[ >:( <:-)
""",
    "addresses": """
stop.12.jpg D.C.12.jpg a.m.12.jpg Bros.12.jpg x.12.jpg.x x.12.jpg, x.12.jpg! x.12.jpg: x.12.jpg)
x.1é́.jpg 1.é́.jpg x­y.12.jpg ­x.12.jpg 1.d'ab.12.jpg can't.12.jpg gonna.12.jpg a_b.12.jpg x.jpg.12.jpg
x.1.2.3.4.5.6.7.8.9.10.11.12.jpg 1a.1.jpg?x x.12.jpgx
&lt;b&gt;john@doe.com &lt;john@doe.com&gt; &LT;a@b x&amp;john@doe.com
www.:.st. www.t.co/.AN' www.a/b.com/c www. .ap 　.net
a 　.net a  .net &nbsp;　.net a　.net. http://😀 x http://x　 .
see http://www.example.com/a/b?c=d&e=f#g, https://example.org. and www.example.com!
write me@example.com, a.b+c@d.co.uk; <me@example.com> @user_name #tag #tag1 @1 #1
foo.com foo.co.uk foo.net/bar example.org's FOO.COM 1.com a-b.com http:// www.
photo.jpg 001.jpg 1.txt 1.2.html index.php a-1.jpg 1.jpg, 1.docx 1.xlsx
""",
    "markup": """
<b>bold</b> <a href="x y">link</a> <br/> <br /> <img src='y.png' alt="z"> <a b=c> <1> < a>
<!-- comment --> <?xml version="1.0"?> </b > <a b>
a &amp; b &lt; c &gt; d &quot;e&quot; f&apos;s &nbsp; g &mdash; h &eacute;t&eacute; &#39; &amp
""",
    "unicode": """
café naïve El Niño résumé über straße Ærø ŒUVRE İSTANBUL ΑΒΓ ΣΑΣ
日本語 москва 한국어 عربى हिन्दी ไทย ﬁ ª º x́ é ́a 10हिन्दी
a dog 😀 and 👍🏽 a 👨‍👩‍👧 cat🐶house 🇺🇸
™ © ® § ¶ • · ° ± × ÷ µ ∞ ≠ → ★ ♥ ☺ ‥ ‡
ΑΣ-n ΑΣ1n ΑΣ_n ΑΣ.N Α-Σ Α1Σ 1Σ Σ-Α Α-Σ-Α ΑΣª http://ΑΣ:a http://ΑΣ..a http://Α.Σ http://Α/Σ ΑΣ́n #ΑΣ
zero​width soft­hyphen ­ joi‍ner bom﻿ no break thin space ideo　graphic
well‐known non‑breaking minus − fullwidth ＡＢＣ １２３ ！
""",
    "unfinished": """
a man ri
"
'
(
a "man
a dog's
the U.S
http
a...
5
""",
}

KINDS["addresses"] += "a http://x\u3000\n"

# One file: its line ends and its neighbours are the point.
CORPUS = [
    "A sign that reads K.",
    "An intersection.",
    "A car on Sunset Blvd.",
    "Dogs run.",
    "on Sunset Blvd.",
    "dogs run.",
    "a flat screen T.V. ",
    "Several people.",
    "made in the U.S.",
    "",
    "The end.",
    "See No.",
    "5 dogs.",
    "a carriage\rreturn",
    "a vertical\x0btab",
    "a form\x0cfeed",
    "a next\x85line",
    "a line\u2028separator",
    "a paragraph\u2029separator",
    "words that",
    "come later :)",
    "he said HE'D",
    "and 'll",
    "the last of '11",
]


def run(lines: list[str]) -> list[str]:
    """What the reference prints for lines of text."""
    found = importlib.util.find_spec("pycocoevalcap")
    folder = Path(found.submodule_search_locations[0]) / "tokenizer"
    with tempfile.NamedTemporaryFile(suffix=".txt") as file:
        file.write("\n".join(lines).encode())
        file.flush()
        command = ["java", "-Xmx1g", "-cp", folder / "stanford-corenlp-3.4.1.jar"]
        command += ["edu.stanford.nlp.process.PTBTokenizer", "-preserveLines", "-lowerCase"]
        printed = subprocess.run([*command, file.name], capture_output=True, check=True)
    return printed.stdout.decode().split("\n")


def kept(line: str) -> list[str]:
    """The tokens of a printed line, without the package's list of punctuation."""
    from pycocoevalcap.tokenizer.ptbtokenizer import PUNCTUATIONS

    return [word for word in line.rstrip().split(" ") if word and word not in PUNCTUATIONS]


def each(captions: list[str]) -> list[list[str]]:
    """The tokens of captions that do not see one another."""
    lines = [line for caption in captions for line in (caption, BETWEEN)]
    printed = run([*lines, "end"])
    if set(printed[1:-1:2]) != {BETWEEN} or len(printed) != len(lines) + 1:
        raise SystemExit("a caption broke the lines")
    return [kept(line) for line in printed[:-1:2]]


def main() -> None:
    """Write the file."""
    kinds = {kind: text.strip("\n").split("\n") for kind, text in KINDS.items()}
    captions = [caption for of_kind in kinds.values() for caption in of_kind]
    tokens = dict(zip(captions, each(captions), strict=True))
    printed = [kept(line) for line in run(CORPUS)]
    stored = {
        "made_with": "Stanford PTBTokenizer 3.4.1 -preserveLines -lowerCase, pycocoevalcap's list",
        "captions": {
            kind: [[caption, tokens[caption]] for caption in of_kind]
            for kind, of_kind in kinds.items()
        },
        "corpus": {"captions": CORPUS, "lines": printed},
    }
    text = json.dumps(stored, ensure_ascii=True, indent=1)
    REFERENCE.write_text(text + "\n", encoding="ascii")


if __name__ == "__main__":
    main()
