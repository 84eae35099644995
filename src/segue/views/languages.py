"""Whether a title is English: a cheap rule, good enough for one row of a report."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

__all__ = ["is_english"]

_WORDS = re.compile(r"[^\W\d_]+")

# Words that are common in titles and mean nothing in English, or only rarely. Spelled without accents.
_FOREIGN = """
el los las una unas unos para por que con mis tus como cuando todo todos siempre nunca muy esta este esto
musica cancion canciones exitos mejor viejitas romanticas romantica espanol castellano corridos banda nortenas
rancheras cumbia cumbias bachata musiquita noche verano amor amores mi vida fiesta perreo boleros baladas
adoracion alabanza alabanzas cristiana navidad viaje carretera ejercicio entrenar dormir estudiar cocinar lluvia
triste tristes feliz corazon recuerdos reggaeton clasicos antiguitas mezcla variado variada
une mes tes avec pour sans dans chanson chansons musique francais francaise soiree vacances annees nuit
amour matin douce variete chante
der und ein eine einen mit von zum zur ich wir ist nicht deutsch deutsche deutscher deutschrap lieder musik sommer
weihnachten zeit mein meine schlager volksmusik partyhits kinderlieder gute laune liebe fahrt
os um uma dos meu minha meus minhas nao musicas brasileira brasileiro sertanejo pagode forro antigas verao noite
saudade melhores louvor festa amizade
il gli della delle degli nel nella sono canzoni italiane italiana italiano estate mia mio mie miei amore notte viaggio
natale allegria
het een voor mijn met nederlands nederlandse muziek liedjes zomer lekker feest foute
och att som svenska svensk sommar mina lugn blandat norsk norske dansk danske
suomi suomalainen suomirap kesa joulu musiikki polskie polska muzyka lato piosenki turkce sarki sarkilar muzik
lagu indonesia kenangan galau dangdut pinoy tagalog kundiman
"""

_ENGLISH = """
the and of my for to in it is are was you your yours i im me we us our they them he she his her this that these
those with without on at from by be been do does dont not no so but or if when where what who how why all some
any more most just only too very can cant will wont want get got go going let lets make made like have has had
up down out off over under into about as an a then than there here now never always again
song songs music jam jams tune tunes hit hits mix playlist list party vibe vibes mood chill sad happy love summer
winter spring fall autumn night day morning road trip drive driving car workout gym running run study sleep work
throwback throwbacks old new best good great favorite favorites favourites classic classics country rap rock jazz
blues soul worship christmas christian wedding dance dancing shower cleaning cooking dinner house beach pool feel
feels feeling feelings slow fast hard soft oldies school college high hip hop angeles city world time times life
baby girl girls boy boys man heart home rain rainy stuff random things words top year land king queen
"""


def is_english(title: str) -> bool:
    """Whether a title passes as English.

    It does not when at least half of its letters are of another script than Latin, or when at least one of its words
    is a common word of Spanish, French, German, Portuguese, Italian, Dutch, Nordic, Polish, Turkish, Indonesian or
    Tagalog titles and none is a common English one. Titles that say nothing ("🎵", "2017") pass.

    >>> is_english("Road Trip"), is_english("Música para estudiar"), is_english("русский рок"), is_english("🎉")
    (True, False, False, True)
    >>> is_english("Los Angeles nights"), is_english("Despacito")
    (True, True)
    """
    latin = other = 0
    words = []
    for word in _WORDS.findall(title[:400]):
        folded = word.lower()
        if not word.isascii():
            decomposed = unicodedata.normalize("NFKD", word.casefold())
            folded = "".join(c for c in decomposed if not unicodedata.combining(c))
        strange = 0 if folded.isascii() else sum(not (c < "\u0250" or "\u1e00" <= c < "\u1f00") for c in folded)
        latin, other = latin + len(folded) - strange, other + strange
        words.append(folded)
    if other and other >= latin:
        return False
    foreign, english = _vocabularies()
    return not any(word in foreign for word in words) or any(word in english for word in words)


@lru_cache(maxsize=1)
def _vocabularies() -> tuple[frozenset[str], frozenset[str]]:
    return frozenset(_FOREIGN.split()), frozenset(_ENGLISH.split())
