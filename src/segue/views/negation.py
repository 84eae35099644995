"""What a title does not want: "rap, no 50 cent", "songs to cook to, nothing sad", "fiesta sin reggaeton".

Many titles only look so: "No Scrubs", "no stress", "nothing else matters", "mambo no 5", "Sin City". The rules:

1. A marker and what follows, up to a comma, a bracket, a dash, "but" or "only", is a negation if what it negates is
   *known*: a genre, a mood, an era, a version of recordings, or an artist. So "no 50 cent" is one as a whole title.
2. What is not known counts only behind a wanted part: after *without*, *except* and their kin anywhere ("dinner
   without saxophones"), after *no*, *not*, *nothing* only where a comma, a bracket, a dash, "but" or "and" sets it
   off ("road trip, no eagles").
3. Sayings ("no limits", "no chill"; "without words" says what is wanted), numbers ("no 5"), pronouns ("without you")
   and "nothing but ..." are none.
4. Where a title begins with a marker and what follows is not known as a whole ("no taylor swift pop"), its longest
   known beginning is unwanted and the rest is wanted: if the beginning has two words or more ("No Country for Old
   Men" is a name), or an occasion follows, or a genre behind a famous artist. Known words in a row are one
   ("no indie rock").
5. A title of several in a row, not set off, of which one is not known, is a name ("no pop no style").
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

from segue.library.names import fold

__all__ = ["Negation", "split_negation"]

_CAP = 1000
_MOST_WORDS = 5

# Markers that need to be set off, and markers that do not. "sin" is English too, so it needs a known object.
_WEAK = "no|not|nothing|none of|nada de|kein|keine|nicht|pas de|niente"
_STRONG = (
    "without|w/o|excluding|except for|except|minus the|minus|"
    "ohne|außer|ausser|sans|sauf|excepto|exceto|menos|sem|senza|tranne|zonder|behalve"
)
_MARKER = re.compile(
    rf"(?<![\w'’-])"
    rf"(?:(?P<either>(?:anything|everything|all) but)|(?P<strong>{_STRONG})|(?P<sin>sin)|(?P<weak>{_WEAK}))"
    r"(?![\w'’-])",
    re.IGNORECASE,
)
# Where what is negated ends.
_END = re.compile(r"[,;:()\[\]{}|!?\n]|\.(?=\s|$)|\s[-–—]+\s|\s(?:but|only|pero|aber|mais|just)\s", re.IGNORECASE)
_SET_OFF = re.compile(
    r"(?:[,;:(\[{|/+&.!?–—-]|\b(?:but|and|also|y|pero|und|aber|et|mais|e|mas|ma|en|maar))\s*$", re.IGNORECASE
)
_DANGLING = re.compile(
    r"(?:[\s,;:(\[{|/+&–—-]|\s(?:but|and|also|with|pero|und|aber|et|mais|mas|maar)(?=\s*$))+$", re.IGNORECASE
)
_LEADING = re.compile(r"^(?:[\s,;:)\]}|/+&–—-]|\.(?=\s|$)|(?:but|and|pero|und|aber|et|mais)\s)+", re.IGNORECASE)
_FILLER_BEFORE = re.compile(
    r"^(?:any|more|of|too|very|really|super|overly|that is|thats|"
    r"(?:songs?|music|tracks|anything|stuff) (?:by|from)|by|from)\s+"
)
_FILLER_AFTER = re.compile(
    r"\s+(?:please|pls|plz|thanks|thank you|allowed|at all|por favor|bitte|"
    r"songs?|music|musik|musica|musique|tracks?|tunes|stuff|shit|crap|vibes|versions?|playlists?)$"
)
# First words of what is none: "without you", "not my type", "not only rap", "sans fin".
_BLOCKED = re.compile(
    r"(?:you|u|ya|me|him|her|it|us|them|myself|yourself|a|an|my|your|his|our|their|this|that|these|those|what|who|one|"
    r"just|only|so|because|dich|mich|dir|mir|uns|ende|toi|moi|lui|elle|vous|te|ti|tu|voce|mim|limites?|parar|fin|end|"
    r"doubt|question|\d+)\b"
)
_SAYINGS = re.compile(
    r"^(?:no (?:more|one|other|way|doubt|problems?|stress|worries|limits?|scrubs|cap|chill|filter|excuses|regrets?|"
    r"rules|fear|mercy|sleep|days off|name|title|idea|clue|pain|gain|shame|brainer|reason|hands|love|place|matter|"
    r"drama|bad (?:days|vibes)|fucks?|shits?|thanks|homo|joke|lie|rush|strings|diggity|type|guidance|church|hook|"
    r"role models?|new friends|judge?ment|judging|context|comment|offense|sweat|hate|haters|kidding|surrender|rest|"
    r"time|money|future|tomorrow|strangers?|skips?|skipping)|"
    r"not (?:afraid|today|tonight|sorry|over|yet|ok|okay|alone|enough|ready|fair|really|bad|sure|mine|here|gonna|"
    r"going|quite)|"
    r"nothing (?:else|but|matters|compares|to|is|was|like|left|more|less|personal|special|new|really|in)|"
    r"without words|sans (?:souci|serif)|menos mal)\b"
)

_KNOWN = """
rap|hip hop|hiphop|trap|drill|mumble rap|country|bro country|pop|k pop|kpop|j pop|rock|soft rock|hard rock|indie|
alternative|metal|heavy metal|death metal|screamo|emo|punk|pop punk|ska|grunge|r b|rnb|r and b|soul|funk|disco|edm|
techno|house|dubstep|electronic|electro|trance|dnb|drum and bass|dance|jazz|smooth jazz|blues|folk|bluegrass|gospel|
worship|christian|religious|reggae|reggaeton|regueton|reggaetón|latin|latino|salsa|bachata|cumbia|banda|corridos|
merengue|mariachi|classical|opera|disney|musicals|show tunes|broadway|christmas|xmas|holiday|schlager|deutschrap|
volksmusik|sertanejo|funk|pagode|variete|oldies|classic rock|new age|ambient|lofi|lo fi|chillstep|synth|
sad|saddest|slow|happy|angry|depressing|depressed|depression|cheesy|boring|loud|soft|quiet|heavy|hard|fast|mellow|
dark|aggressive|scary|romantic|sappy|corny|emotional|gloomy|melancholic|intense|upbeat|sleepy|love songs|
break up songs|breakup songs|breakups|heartbreak|ballads|triste|tristes|lento|lentas|traurig|trauriges|
live|remix|remixes|cover|covers|karaoke|acoustic|instrumental|instrumentals|lyrics|vocals|vocal|words|singing|talking|
speech|interludes|skits|intros|explicit|explicits|cursing|cussing|swearing|swear words|curse words|bad words|
profanity|profanities|autotune|auto tune|remasters|remastered|demos|duplicates|repeats|ads|guitar|guitars|drums|bass|
saxophone|saxophones|screaming|yelling|letra|gesang|worte|paroles|old|new|english|spanish
"""
_KNOWN_ARTISTS = """
50 cent|abba|ac dc|adele|ariana grande|avicii|backstreet boys|beyonce|billie eilish|blink 182|bob marley|
bruno mars|calvin harris|cardi b|chance the rapper|chris brown|coldplay|creed|daft punk|david bowie|dj khaled|drake|
eagles|ed sheeran|elton john|elvis|elvis presley|eminem|fall out boy|fleetwood mac|florida georgia line|foo fighters|
frank ocean|frank sinatra|future|green day|guns n roses|harry styles|imagine dragons|j cole|jay z|john mayer|
justin bieber|justin timberlake|kanye|kanye west|katy perry|kendrick|kendrick lamar|kesha|lady gaga|lana del rey|
led zeppelin|lil wayne|lil uzi vert|linkin park|lorde|luke bryan|madonna|maluma|maroon 5|metallica|michael jackson|
migos|mumford and sons|nickelback|nicki minaj|nirvana|oasis|one direction|ozuna|panic at the disco|pink floyd|
pitbull|post malone|prince|queen|r kelly|radiohead|red hot chili peppers|rihanna|sam smith|selena gomez|shakira|
taylor swift|beatles|chainsmokers|killers|rolling stones|weeknd|strokes|travis scott|tupac|twenty one pilots|u2|
usher|xxxtentacion|bad bunny|daddy yankee|helene fischer
"""
_ERA = re.compile(r"(?:19|20)?\d0s")
_OCCASION = re.compile(
    r"(?:workouts?|gym|running|party|road ?trip|study|studying|cooking|cleaning|dinner|driving|drive|work|wedding|"
    r"summer|bbq|morning|night|dance|dancing|sleep|hits|classics|playlist|mix|20\d\d)\b"
)
_WORD = re.compile(r"\S+")
_MOST_IN_TITLE = 12
# What follows a name within a longer name: "no country for old men".
_GOES_ON = re.compile(
    r"(?:for|of|to|in|on|at|the|a|an|my|your|is|are|was|were|as|than|till|until|who|that|can|will)\b"
)


@dataclass(frozen=True, slots=True)
class Negation:
    """A title without its negations, and what they negate, both as typed."""

    wanted: str
    unwanted: tuple[str, ...]


def split_negation(title: str, is_artist: Callable[[str], bool] | None = None) -> Negation:
    """Split off what a title does not want; the module's docstring has the rules.

    Args:
        title: as typed; the first 1,000 characters are looked at.
        is_artist: whether a folded name is an artist of the catalogue; without it a short list of famous ones counts.

    >>> split_negation("songs to cook to, nothing sad")
    Negation(wanted='songs to cook to', unwanted=('sad',))
    >>> split_negation("no 50 cent"), split_negation("No Scrubs").unwanted
    (Negation(wanted='', unwanted=('50 cent',)), ())
    """
    text = title[:_CAP]
    kept: list[str] = []
    unwanted: list[str] = []
    position, failed = 0, False
    for marker in _MARKER.finditer(text):
        if marker.start() < position:
            continue
        before = "".join(kept) + text[position : marker.start()]
        stop = _stop(text, marker.end())
        negated = _negated(text[marker.end() : stop])
        is_known = _all_known(negated, is_artist)
        if not is_known and not before.strip() and (marker["weak"] or marker["strong"]):
            beginning = _known_beginning(marker, text, stop, is_artist)
            if beginning is not None:
                stop, is_known = beginning, True
                negated = _negated(text[marker.end() : stop])
        counts = is_known or _is_set_off(marker, before, negated)
        if not negated or not counts or _is_saying(marker, text[:stop], is_known):
            if not before.strip():
                if unwanted:
                    return Negation(title, ())
                failed = True
            continue
        if failed and not marker["strong"] and not _SET_OFF.search(before):
            return Negation(title, ())
        kept.append(text[position : marker.start()])
        unwanted += _parts(negated, is_artist)
        position = stop
    if not unwanted:
        return Negation(title, ())
    kept.append(text[position:])
    return Negation(_joined(kept), tuple(dict.fromkeys(unwanted)))


def _stop(text: str, start: int) -> int:
    """Where what a marker negates ends: at a boundary or at the next marker."""
    ends = [match.start() for match in (_END.search(text, start), _MARKER.search(text, start)) if match]
    return min(ends, default=len(text))


def _negated(text: str) -> str:
    """What is negated, without fillers, as typed."""
    words = text.strip(" \t/&+-–—.\"'“”")
    words = re.sub(r"\s(?:and|or|nor|but|y|o|und|oder|et|ou|e)\s*$", "", words, flags=re.IGNORECASE).strip()
    while (shorter := _unfilled(words)) != words:
        words = shorter
    return words


def _unfilled(words: str) -> str:
    if fold(words) in _known_words():
        return words  # "love songs" are more than "love"
    lowered = words.lower()
    if len(lowered) != len(words):
        return words
    if match := _FILLER_BEFORE.match(lowered):
        return words[match.end() :]
    if match := _FILLER_AFTER.search(lowered):
        return words[: match.start()]
    return words


def _is_saying(marker: re.Match[str], text: str, is_known: bool) -> bool:
    """Rule 3: "no love" is one, "no love songs" is none since love songs are known, "nothing but rap" is."""
    whole = f"{fold(marker[0])} {fold(text[marker.end() :])}"
    return bool(_SAYINGS.fullmatch(whole) if is_known else _SAYINGS.match(whole))


def _is_set_off(marker: re.Match[str], before: str, negated: str) -> bool:
    """Rule 2: whether something that is not known counts as negated all the same."""
    words = fold(negated).split()
    if not words or len(words) > _MOST_WORDS or _BLOCKED.match(words[0]):
        return False
    if not before.strip(" \t,;:-([/") or marker["sin"] or marker["either"]:
        return False
    return bool(marker["strong"] or _SET_OFF.search(before))


def _known_beginning(
    marker: re.Match[str], text: str, stop: int, is_artist: Callable[[str], bool] | None
) -> int | None:
    """Rule 4: where the known beginning of what a marker negates ends, None where there is none."""
    words = list(_WORD.finditer(text, marker.end(), stop))
    if not 2 <= len(words) <= _MOST_IN_TITLE or _BLOCKED.match(fold(words[0][0])):
        return None
    if all(fold(word[0]) in _known_words() - _famous() for word in words):
        return stop  # "no indie rock"
    for n in range(min(len(words) - 1, _MOST_WORDS), 0, -1):
        end = words[n - 1].end()
        negated, rest = _negated(text[marker.end() : end]), fold(text[end:stop])
        folded = fold(negated)
        if not rest or not _all_known(negated, is_artist) or _is_saying(marker, text[:end], True):
            continue
        if n == 1:
            goes_on = not (_OCCASION.match(rest) or (folded in _famous() and _is_known(rest, None)))
        elif folded.removeprefix("the ") in _known_words():
            goes_on = False
        else:  # an artist of the catalogue, where nearly anything is one
            goes_on = bool(_GOES_ON.match(rest)) or _is_saying(marker, text[:stop], False)
        if not goes_on:
            return end
    return None


def _split_or(negated: str) -> list[str]:
    parts = re.split(r"\s+(?:or|nor|o|oder|ou)\s+|\s*/\s*", negated, flags=re.IGNORECASE)
    return [part for part in map(_negated, parts) if part]


def _split_and(part: str) -> list[str]:
    parts = re.split(r"\s+(?:and|y|und|et|e)\s+|\s+&\s+|\s+\+\s+", part, flags=re.IGNORECASE)
    return [part for part in map(_negated, parts) if part]


def _all_known(negated: str, is_artist: Callable[[str], bool] | None) -> bool:
    parts = _split_or(negated)
    return bool(parts) and all(
        _is_known(part, is_artist) or all(_is_known(p, is_artist) for p in _split_and(part)) for part in parts
    )


def _parts(negated: str, is_artist: Callable[[str], bool] | None) -> list[str]:
    """Split "rap or country" always, "rap and country" only where both are known ("guns and roses" are one)."""
    found = []
    for part in _split_or(negated):
        smaller = _split_and(part)
        apart = not _is_known(part, is_artist) and all(_is_known(p, is_artist) for p in smaller)
        found += smaller if apart else [part]
    return found


def _is_known(words: str, is_artist: Callable[[str], bool] | None) -> bool:
    folded = fold(words)
    short = folded.removeprefix("the ")
    if short in _known_words() or _ERA.fullmatch(short):
        return True
    return is_artist is not None and bool(folded) and (is_artist(folded) or is_artist(short))


@lru_cache(maxsize=1)
def _known_words() -> frozenset[str]:
    return _words(_KNOWN) | _famous()


@lru_cache(maxsize=1)
def _famous() -> frozenset[str]:
    return _words(_KNOWN_ARTISTS)


def _words(listed: str) -> frozenset[str]:
    return frozenset(word.strip() for word in listed.split("|"))


def _joined(kept: list[str]) -> str:
    """What is wanted, without the words and signs that led to a negation."""
    pieces: list[str] = []
    for piece in kept:
        trimmed = _DANGLING.sub("", _LEADING.sub("", piece) if pieces or piece is kept[-1] else piece).strip()
        if trimmed.strip("!?. "):
            pieces.append(trimmed)
    return ", ".join(pieces)
