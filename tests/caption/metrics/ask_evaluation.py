"""Run by the COCO caption evaluation's own interpreter: captions in, its words and scores out.

    python ask_evaluation.py captions.json answer.json

`captions.json` holds `references` and `hypotheses`, lists of texts in one order. Java is needed for
the tokeniser and METEOR.
"""

import json
import sys
from pathlib import Path


def main() -> None:
    """Tokenise and score with pycocoevalcap."""
    from pycocoevalcap.bleu.bleu import Bleu
    from pycocoevalcap.cider.cider import Cider
    from pycocoevalcap.meteor.meteor import Meteor
    from pycocoevalcap.rouge.rouge import Rouge
    from pycocoevalcap.tokenizer.ptbtokenizer import PTBTokenizer

    asked = json.loads(Path(sys.argv[1]).read_text(encoding="utf-8"))
    references = dict(enumerate(asked["references"]))
    hypotheses = dict(enumerate(asked["hypotheses"]))
    cut = PTBTokenizer().tokenize({k: [{"caption": c} for c in v] for k, v in references.items()})
    own = PTBTokenizer().tokenize({k: [{"caption": v}] for k, v in hypotheses.items()})
    bleu, bleus = Bleu(4).compute_score(cut, own, verbose=0)
    rouge, rouges = Rouge().compute_score(cut, own)
    cider, ciders = Cider().compute_score(cut, own)
    found = {f"bleu_{n}": (bleu[n - 1], bleus[n - 1]) for n in range(1, 5)}
    found |= {"rouge_l": (rouge, rouges), "cider_d": (cider, ciders)}
    found |= {"meteor": Meteor().compute_score(cut, own)}
    answer = {
        "reference_tokens": list(cut.values()),
        "hypothesis_tokens": [texts[0] for texts in own.values()],
        "corpus": {name: float(score) for name, (score, _) in found.items()},
        "per_image": {name: [float(s) for s in scores] for name, (_, scores) in found.items()},
    }
    Path(sys.argv[2]).write_text(json.dumps(answer), encoding="utf-8")


if __name__ == "__main__":
    main()
