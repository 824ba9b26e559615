"""Models by name: those that come with the package, those trained here, and any folder given by its path.

A model is two files in one folder: ``NAME.toml``, the card, and the weights that it names. Weights are read whole, compared
with the card's SHA-256, and only then handed to the library that runs them, so what runs is what the card describes.
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from hashlib import sha256
from pathlib import Path

from whorl.catalogues.home import home
from whorl.core.atomic import write_atomic
from whorl.models.card import Card, ModelError, read_card, write_card

SHIPPED = Path(__file__).parent / "data"
#: weights that are shipped stay below this; those trained by a user may be larger
LARGEST_SHIPPED = 20_000_000


@dataclass(frozen=True)
class Found:
    """A model on disk: its card, its folder, and whether it came with the package."""

    card: Card
    folder: Path
    shipped: bool

    @property
    def path(self) -> Path:
        """File of the weights."""
        return self.folder / self.card.file

    def weights(self) -> bytes:
        """Read the weights and check them.

        Raises
        ------
        ModelError
            If they are missing or not the ones the card was written for.
        """
        try:
            data = self.path.read_bytes()
        except OSError as error:
            why = error.strerror or type(error).__name__
            raise ModelError(f"the weights cannot be read ({why})", where=str(self.path), remedy=_again(self)) from error
        if sha256(data).hexdigest() != self.card.sha256:
            raise ModelError(
                "the weights are not those of the card (their SHA-256 differs)", where=str(self.path), remedy=_again(self)
            )
        return data


def trained() -> Path:
    """Give the folder of models trained by the user, one folder each."""
    return home() / "models"


def list_models() -> list[Found]:
    """List the models: the shipped ones, then the user's, each by name.

    Raises
    ------
    ModelError
        If a card cannot be read.

    Examples
    --------
    >>> all(model.shipped for model in list_models() if model.folder == SHIPPED)
    True
    """
    own = [card for card in sorted(trained().glob("*/*.toml")) if card.stem == card.parent.name]
    return [
        *(Found(read_card(path), SHIPPED, True) for path in sorted(SHIPPED.glob("*.toml"))),
        *(Found(read_card(path), path.parent, False) for path in own),
    ]


def find_model(name_or_folder: str | Path) -> Found:
    """Find a model by its name, or the one in a folder.

    A model trained by the user wins over a shipped one of the same name.

    Raises
    ------
    ModelError
        If there is none, or the folder holds several.
    """
    text = str(name_or_folder)
    if isinstance(name_or_folder, str) and "/" not in text and not text.startswith("."):
        for folder, shipped in ((trained() / text, False), (SHIPPED, True)):
            if (folder / f"{text}.toml").is_file():
                return Found(read_card(folder / f"{text}.toml"), folder, shipped)
    folder = Path(name_or_folder).expanduser()
    if folder.is_dir():
        cards = sorted(folder.glob("*.toml"))
        if len(cards) != 1:
            remedy = "Give a folder that `whorl train` has written."
            raise ModelError(f"{len(cards)} model cards in this folder", where=text, remedy=remedy)
        return Found(read_card(cards[0]), folder, False)
    names = [path.stem for path in (*SHIPPED.glob("*.toml"), *trained().glob("*/*.toml"))]
    close = get_close_matches(text, names, n=1)
    remedy = f"Did you mean {close[0]!r}?" if close else "See `whorl models`; `whorl train` lists what can be trained."
    raise ModelError(f"no model {text!r}", remedy=remedy)


def save_model(card: Card, weights: bytes, folder: Path) -> Found:
    """Write weights and card into a folder: the weights first, so that a card never names what is not there.

    Parameters
    ----------
    card : Card
        Its ``sha256`` is filled in.
    weights : bytes
    folder : Path
        Made if it does not exist.

    Raises
    ------
    ModelError
        If they cannot be written.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ModelError(f"the folder cannot be made ({why})", where=str(folder), remedy="Choose another --out.") from error
    card = card.model_copy(update={"sha256": sha256(weights).hexdigest()})
    write_atomic(folder / card.file, weights, kind=ModelError)
    write_card(card, folder / f"{card.name}.toml")
    return Found(card, folder, folder == SHIPPED)


def _again(found: Found) -> str:
    return "Install whorl again." if found.shipped else f"Make it anew: {found.card.training.command}."
