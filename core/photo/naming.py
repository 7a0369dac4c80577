"""What the names of files and folders tell: photograph, label or mask, and which of them belong together.

Names are taken apart into words. ``label_01L``, ``01L_expert2`` and ``01L`` have ``01l`` in common, and the words that
are left say what each of them is.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

from core.photo.sibling_files import photo_stem
from core.photo.walking import natural_key, same_name

Role = Literal["photograph", "label", "mask"]

_LABEL: Final = re.compile(
    r"(manual(seg)?|labels?|gt|ground-?truth|truth|annotations?|annot(ated)?|vessels?|bv|segmentations?|segm?|targets?|"
    r"experts?|observers?|readers?|graders?|annotators?|[12](st|nd)(ho|manual|observer|expert)?|ah|vk)\d*"
)
_MASK: Final = re.compile(r"(masks?|fovs?|rois?)\d*")
_PHOTO: Final = re.compile(r"(images?|imgs?|photos?|photographs?|pictures?|fundus|originals?|inputs?|cfp)")
_PART: Final = re.compile(r"(training|train|test|testing|val|validation)")
_NUMBER: Final = re.compile(r"\d|[a-e]")
_OWN_PICTURE: Final = re.compile(r"_(overlay|probability|doubt|questionable)$", re.IGNORECASE)
_SEPARATOR: Final = re.compile(r"[_\-. ]+")


@dataclass(frozen=True, slots=True)
class Name:
    """A file's name taken apart.

    ``keys``: the whole stem; without the words that tell its role; without those that tell its part (training, test),
    too. ``ending``: the words of a label, such as ``manual1``; empty where there are none.
    """

    role: Role
    keys: tuple[str, str, str]
    ending: str


def take_apart(path: Path | str) -> Name:
    """The parts of a file's name."""
    return _of_stem(same_name(photo_stem(Path(path))))


@lru_cache(maxsize=1 << 16)  # the same folder is looked through again for each photograph that is opened
def _of_stem(stem: str) -> Name:
    words = [word for word in _SEPARATOR.split(stem) if word]
    core, said = _peeled(words, (_LABEL, _MASK, _PHOTO))
    shorter, _ = _peeled(core, (_PART,))
    again, said_within = _peeled(shorter, (_LABEL, _MASK, _PHOTO))
    said += said_within
    labels = [word for word in said if _LABEL.fullmatch(word) or _NUMBER.fullmatch(word)]
    is_label = any(_LABEL.fullmatch(word) for word in said)
    role: Role = "label" if is_label else "mask" if any(_MASK.fullmatch(word) for word in said) else "photograph"
    return Name(role, (stem, "_".join(core), "_".join(again)), "_".join(labels) if is_label else "")


def folder_role(name: str) -> Role | None:
    """What a folder of this name holds, as far as the name tells."""
    words = [word for word in _SEPARATOR.split(same_name(name)) if word]
    joined = "".join(words)
    if any(_LABEL.fullmatch(word) for word in words) or re.search(r"label|manual|groundtruth|^expert", joined):
        return "label"
    if any(_MASK.fullmatch(word) for word in words):
        return "mask"
    return "photograph" if any(_PHOTO.fullmatch(word) for word in words) else None


def is_own_picture(path: Path) -> bool:
    """Whether the name is that of a map or a picture that this program writes beside its masks."""
    return bool(_OWN_PICTURE.search(photo_stem(path)))


def assign(photos: Sequence[Path], files: Sequence[Path], below: Path | None = None) -> dict[Path, dict[str, Path]]:
    """Which files belong to which photographs: for each photograph the files by what their names add to its own.

    A file belongs to the only photograph with the same name, or with the same name but for words such as ``label`` or
    ``test``, in a folder of the same name or in any. Where that finds nothing, names count that differ in the same way
    for every photograph, such as ``lesion_01_v3`` for ``eye_01``. What is not clear is left out.
    """
    found: dict[Path, dict[str, Path]] = {}
    names = {path: take_apart(path) for path in (*photos, *files)}
    own = set(photos)
    left = [path for path in files if path not in own and not is_own_picture(path)]
    for level in range(3):
        by_key: dict[str, list[Path]] = {}
        for photo in photos:
            by_key.setdefault(names[photo].keys[level], []).append(photo)
        unclear = []
        for path in left:
            owner = _only(by_key.get(names[path].keys[level], []), path)
            if owner is None:
                unclear.append(path)
            else:
                _put(found.setdefault(owner, {}), names[path], path)
        left = unclear
    if not found and left:
        return {photo: {"": path} for photo, path in _by_what_varies(photos, left).items()}
    return found


def label_names(stem: str) -> str:
    """How a label of a photograph would be called, for a sentence."""
    return f"{stem}.png, {stem}_label.png or {stem}_manual1.png"


def _put(taken: dict[str, Path], name: Name, path: Path) -> None:
    """Two files that say the same of themselves take each other's place: nobody knows which is meant."""
    ending = name.ending or ("mask" if name.role == "mask" else "")
    if ending in taken:
        ending = f"{ending} {path.suffix}".strip()
    taken[ending] = path


def _only(photos: Sequence[Path], path: Path) -> Path | None:
    """The one photograph that is meant: where there are several, the one whose folder is called as the file's."""
    if len(photos) > 1:
        photos = [photo for photo in photos if same_name(photo.parent.name) == same_name(path.parent.name)]
    return photos[0] if len(photos) == 1 else None


def _by_what_varies(photos: Sequence[Path], files: Sequence[Path]) -> dict[Path, Path]:
    """Photographs and files by what is left of their names without what all have in common; all of them or none."""
    if len(photos) < 2 or len(files) != len(photos):
        return {}
    varying = _varying(photos)
    by_rest = {rest: path for path, rest in _varying(files).items()}
    if len(by_rest) != len(files) or set(varying.values()) != set(by_rest):
        return {}
    return {photo: by_rest[rest] for photo, rest in varying.items()}


def _varying(paths: Sequence[Path]) -> dict[Path, str]:
    stems = {path: same_name(photo_stem(path)) for path in paths}
    start, end = _common(list(stems.values())), _common([stem[::-1] for stem in stems.values()])
    return {path: stem[start : len(stem) - end or None].strip("_-. ") for path, stem in stems.items()}


def _common(texts: Sequence[str]) -> int:
    """How many characters all texts begin with alike, up to the end of a word."""
    first, last = min(texts), max(texts)
    alike = next((place for place, letter in enumerate(first) if last[place] != letter), len(first))
    return len(re.sub(r"[^_\-. ]*$", "", first[:alike]))


def _peeled(words: Iterable[str], kinds: Sequence[re.Pattern[str]]) -> tuple[list[str], list[str]]:
    """Words without those of some kinds at both ends, and these; a number behind one (``expert 1``) goes with it."""
    core, said = list(words), list[str]()

    def is_one(word: str) -> bool:
        return any(kind.fullmatch(word) for kind in kinds)

    while core and is_one(core[0]):
        said.append(core.pop(0))
    while core:
        if is_one(core[-1]):
            said.append(core.pop())
        elif len(core) > 1 and _NUMBER.fullmatch(core[-1]) and is_one(core[-2]) and not _PHOTO.fullmatch(core[-2]):
            number = core.pop()
            said += [f"{core.pop()}{number}"]
        else:
            break
    return core, said[::-1]


def in_natural_order(paths: Iterable[Path]) -> list[Path]:
    return sorted(paths, key=natural_key)
