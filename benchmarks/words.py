# ruff: noqa: E501  (word lists are read better in long lines)
"""The words that planted titles and track names are made of: genres, moods, eras, occasions, and how they relate.

Only general words stand here; artists and tracks are invented by :mod:`planted`.
"""

from __future__ import annotations

__all__ = [
    "ERAS",
    "FAMILIES",
    "GENRES",
    "MOODS",
    "MUTE",
    "NAME_HEADS",
    "NAME_MIDDLES",
    "NAME_SECONDS",
    "NAME_TAILS",
    "OCCASIONS",
    "SUFFIXES",
    "TRACK_WORDS",
]

# family -> (words, emoji)
FAMILIES: dict[str, tuple[str, str]] = {
    "rock": ("rock|rock and roll|guitars", "🎸🤘"),
    "metal": ("metal|heavy stuff|headbang", "🤘🔥"),
    "pop": ("pop|top 40|radio", "💖🎤"),
    "hiphop": ("hip hop|rap|bars|spitting bars", "🔥💯"),
    "rnb": ("r&b|soul|slow jams", "💜🎶"),
    "electronic": ("electronic|electronica|dance|rave", "🎧💥"),
    "folk": ("folk|acoustic|singer songwriter|unplugged", "🍂🎻"),
    "country": ("country|nashville|honky tonk", "🤠🚜"),
    "jazz": ("jazz|blue notes", "🎷☕"),
    "classical": ("classical|orchestra|concert hall", "🎻🎼"),
    "latin": ("latin|latino|musica latina|spanish|español", "💃🌶️"),
    "caribbean": ("island|caribbean|rasta", "🌴🇯🇲"),
    "world": ("world|around the world|international", "🌍🎶"),
    "faith": ("worship|christian|praise|jesus|church|faith", "🙏✝️"),
    "stage": ("soundtrack|movies|film|screen", "🎬🍿"),
    "holiday": ("holiday|holidays", "🎉✨"),
}

# (family, name and synonyms, share in permille, middle era 0..5, favoured moods)
GENRES: list[tuple[str, str, int, int, str]] = [
    ("rock", "classic rock|dad rock", 45, 1, "energetic groovy"),
    ("rock", "indie rock|indie|hipster", 50, 5, "calm happy"),
    ("rock", "alternative|alt rock|alternative rock", 40, 3, "dark energetic"),
    ("rock", "punk|punk rock", 14, 3, "angry energetic"),
    ("rock", "pop punk|warped tour|skate punk", 20, 4, "energetic angry"),
    ("rock", "emo|emo phase|scene kid", 16, 4, "sad angry"),
    ("rock", "grunge|seattle", 8, 3, "dark angry"),
    ("rock", "psychedelic|psych rock|trippy", 8, 0, "dark calm"),
    ("rock", "surf rock|surf", 5, 0, "happy groovy"),
    ("rock", "shoegaze|dream pop|dreamy", 8, 5, "calm dark"),
    ("rock", "southern rock", 7, 1, "groovy energetic"),
    ("rock", "new wave|post punk", 8, 2, "dark groovy"),
    ("rock", "britpop|british invasion", 7, 3, "happy energetic"),
    ("metal", "metalcore|hardcore|screamo", 14, 4, "angry energetic"),
    ("metal", "death metal|black metal|brutal", 6, 4, "angry dark"),
    ("metal", "hair metal|glam metal", 7, 2, "energetic groovy"),
    ("metal", "nu metal|rap metal", 7, 4, "angry dark"),
    ("metal", "power metal|epic metal", 4, 4, "energetic dark"),
    ("pop", "pop hits|todays hits|charts", 70, 5, "happy energetic"),
    ("pop", "throwback|throwbacks|tbt|middle school|old jams", 40, 4, "happy groovy"),
    ("pop", "boy bands|boyband|girl groups", 10, 3, "romantic happy"),
    ("pop", "disney|disney songs|princess", 14, 3, "happy romantic"),
    ("pop", "kids|kids songs|toddler|children|nursery rhymes", 8, 5, "happy calm"),
    ("pop", "kpop|k pop|korean", 12, 5, "energetic romantic"),
    ("pop", "jpop|japanese|anime|weeb", 7, 5, "energetic sad"),
    ("pop", "indie pop|bedroom pop", 22, 5, "happy calm"),
    ("pop", "synthpop|synthwave|retrowave", 9, 2, "dark groovy"),
    ("pop", "covers|acoustic covers", 10, 5, "calm romantic"),
    ("pop", "ballads|power ballads", 9, 2, "romantic sad"),
    ("hiphop", "trap|trap music|drill", 45, 5, "angry dark"),
    ("hiphop", "old school hip hop|boom bap|golden era rap", 18, 3, "groovy angry"),
    ("hiphop", "conscious rap|lyrical|real hip hop", 12, 5, "dark calm"),
    ("hiphop", "southern rap|dirty south|crunk", 14, 4, "energetic groovy"),
    ("hiphop", "west coast|gangsta rap|california rap", 14, 3, "groovy dark"),
    ("hiphop", "lofi|lo fi|lofi hip hop|chillhop", 12, 5, "calm sad"),
    ("hiphop", "christian rap|clean rap", 6, 5, "energetic happy"),
    ("hiphop", "grime|uk rap", 5, 5, "angry energetic"),
    ("rnb", "r&b hits|rnb|contemporary r&b", 35, 5, "romantic calm"),
    ("rnb", "neo soul|soulful", 12, 4, "calm romantic"),
    ("rnb", "motown|oldies soul|northern soul", 12, 0, "happy romantic"),
    ("rnb", "funk|funky|get funky", 9, 1, "groovy happy"),
    ("rnb", "disco|boogie|studio 54", 8, 1, "groovy happy"),
    ("rnb", "baby making|sexy time|bedroom", 9, 4, "romantic groovy"),
    ("electronic", "edm|festival|ultra|rave music", 40, 5, "energetic happy"),
    ("electronic", "house|deep house|house music", 22, 5, "groovy energetic"),
    ("electronic", "dubstep|bass|wubs", 14, 5, "angry energetic"),
    ("electronic", "techno|berlin|minimal", 8, 4, "dark groovy"),
    ("electronic", "trance|psytrance", 7, 4, "energetic dark"),
    ("electronic", "drum and bass|dnb|jungle", 6, 4, "energetic dark"),
    ("electronic", "ambient|drone|soundscapes", 8, 5, "calm dark"),
    ("electronic", "tropical house|tropical", 14, 5, "happy calm"),
    ("electronic", "chillwave|chillstep|downtempo", 12, 5, "calm dark"),
    ("electronic", "electro swing|swing house", 3, 5, "groovy happy"),
    ("electronic", "hardstyle|hardcore rave", 4, 5, "energetic angry"),
    ("folk", "indie folk|campfire songs|stomp and clap", 20, 5, "calm happy"),
    ("folk", "folk classics|protest songs", 6, 0, "calm sad"),
    ("folk", "bluegrass|banjo|appalachia", 6, 2, "happy groovy"),
    ("folk", "celtic|irish|pub songs", 5, 3, "happy groovy"),
    ("folk", "americana|alt country|roots", 8, 4, "sad calm"),
    ("country", "country hits|new country|bro country", 50, 5, "happy energetic"),
    ("country", "old country|classic country|outlaw country", 14, 1, "sad groovy"),
    ("country", "90s country|country gold", 12, 3, "happy romantic"),
    ("country", "red dirt|texas country", 10, 5, "groovy sad"),
    ("country", "country love songs|country wedding", 7, 4, "romantic sad"),
    ("jazz", "bebop|hard bop|jazz standards", 6, 0, "groovy calm"),
    ("jazz", "smooth jazz|elevator music", 5, 2, "calm romantic"),
    ("jazz", "swing|big band|rat pack|crooners", 7, 0, "happy romantic"),
    ("jazz", "blues|delta blues|blues rock", 8, 0, "sad groovy"),
    ("jazz", "bossa nova|samba jazz", 4, 0, "calm romantic"),
    ("classical", "piano|solo piano|piano music", 9, 4, "calm sad"),
    ("classical", "baroque|bach and friends|symphonies", 5, 0, "calm energetic"),
    ("classical", "opera|arias", 3, 0, "sad romantic"),
    ("classical", "strings|cello|violin", 4, 4, "calm sad"),
    ("latin", "reggaeton|perreo|dembow|urbano", 25, 5, "groovy energetic"),
    ("latin", "salsa|bachata|merengue", 12, 3, "groovy romantic"),
    ("latin", "rock en español|rock latino", 6, 3, "energetic dark"),
    ("latin", "banda|corridos|norteño|rancheras|mexican", 14, 4, "sad groovy"),
    ("latin", "baladas|romanticas|boleros", 8, 2, "romantic sad"),
    ("latin", "brazil|brasil|sertanejo|mpb", 8, 4, "happy romantic"),
    ("caribbean", "reggae|roots reggae|dub", 12, 2, "calm groovy"),
    ("caribbean", "dancehall|soca|carnival", 7, 5, "groovy energetic"),
    ("caribbean", "ska|two tone", 4, 3, "happy energetic"),
    ("caribbean", "hawaiian|ukulele|aloha", 4, 4, "calm happy"),
    ("world", "afrobeat|afrobeats|african|naija", 7, 5, "groovy happy"),
    ("world", "bollywood|hindi|punjabi|bhangra|desi", 9, 5, "romantic groovy"),
    ("world", "french|chanson|paris|français", 5, 3, "romantic calm"),
    ("world", "german|deutsch|schlager", 4, 4, "happy groovy"),
    ("world", "italian|italia|sanremo", 3, 2, "romantic happy"),
    ("world", "arabic|habibi|middle eastern", 4, 5, "romantic groovy"),
    ("world", "filipino|opm|pinoy", 4, 5, "romantic sad"),
    ("world", "russian|balkan|slavic", 3, 4, "dark energetic"),
    ("faith", "worship music|praise and worship|sunday morning worship", 22, 5, "calm happy"),
    ("faith", "gospel|choir", 9, 3, "happy groovy"),
    ("faith", "hymns|old hymns", 4, 1, "calm sad"),
    ("faith", "christian rock|christian pop", 8, 4, "energetic happy"),
    ("stage", "broadway|musicals|show tunes|theatre kid", 14, 4, "happy romantic"),
    ("stage", "film scores|scores|epic scores|movie scores", 7, 4, "dark energetic"),
    ("stage", "video games|game music|chiptune|gaming soundtrack", 6, 4, "energetic dark"),
    ("stage", "movie soundtracks|from the movies", 10, 3, "romantic happy"),
    ("holiday", "christmas|xmas|merry christmas|santa|noel|navidad|weihnachten", 22, 1, "happy calm"),
    ("holiday", "halloween|spooky|monster mash|haunted", 8, 2, "dark groovy"),
]

# mood -> (words, emoji); the order is the mood's number
MOODS: dict[str, tuple[str, str]] = {
    "happy": (
        "happy|feel good|good vibes|sunshine|smile|positive|good mood|cheerful|upbeat|joy|feliz|bonne humeur|gute laune",
        "😊☀️",
    ),
    "sad": (
        "sad|crying|heartbreak|breakup|in my feelings|tears|lonely|feels|depressing|triste|broken hearted|gloomy",
        "😢💔",
    ),
    "calm": (
        "chill|relax|relaxing|calm|mellow|peaceful|chillin|laid back|easy listening|chill vibes|tranquilo|soft|zen",
        "😌🌊",
    ),
    "energetic": ("pump up|hype|turn up|energy|lit|pumped|high energy|adrenaline|power|get hyped|lets go", "🔥⚡"),
    "romantic": ("love|love songs|romance|romantic|crush|in love|date night|valentine|amor|for you|kisses", "❤️😍"),
    "angry": ("angry|rage|mad|hate|pissed off|aggressive|fury|screaming", "😡👊"),
    "dark": ("dark|moody|late night|midnight|night|mysterious|haunting|3am|melancholy|night drive", "🌙🖤"),
    "groovy": ("groovy|grooves|dance|dancing|funky vibes|boogie|shake it|move|jam|jams", "💃🕺"),
}

ERAS: list[str] = [
    "60s|sixties|oldies|60s and 70s",
    "70s|seventies|70's",
    "80s|eighties|80's|80s hits",
    "90s|nineties|90's|90s kid",
    "2000s|00s|early 2000s|2000's",
    "2010s|2017|2016|2015|new music|new",
]

# (words, emoji, favoured moods, favoured families): occasions, activities, places, seasons
OCCASIONS: list[tuple[str, str, str, str]] = [
    (
        "workout|gym|work out|lifting|beast mode|exercise|fitness|training|gains",
        "💪🏋️",
        "energetic angry",
        "hiphop electronic metal",
    ),
    ("running|run|cardio|jogging|marathon|treadmill", "🏃👟", "energetic happy", "pop electronic hiphop"),
    ("study|studying|homework|focus|concentration|reading|finals", "📚✏️", "calm dark", "classical folk electronic"),
    ("sleep|bedtime|sleepy|lullabies|nap|goodnight|insomnia", "😴🌙", "calm sad", "classical folk electronic"),
    (
        "road trip|car|driving|roadtrip|drive|cruising|on the road|highway",
        "🚗🛣️",
        "happy energetic",
        "rock pop country",
    ),
    (
        "party|house party|pregame|fiesta|friday night|turnt|party time|the club",
        "🎉🍻",
        "energetic groovy",
        "hiphop electronic pop latin",
    ),
    (
        "summer|summertime|summer vibes|beach|pool|verano|summer 2017|summer 16|été|sommer",
        "☀️🏖️",
        "happy groovy",
        "pop electronic caribbean",
    ),
    ("wedding|first dance|reception|bridal|ceremony|our wedding", "💍👰", "romantic happy", "rnb pop folk"),
    (
        "shower|bathroom singing|shower songs|sing along|karaoke|singalong",
        "🚿🎤",
        "happy energetic",
        "pop rock stage",
    ),
    ("morning|wake up|good morning|sunrise|breakfast|monday", "🌅☕", "happy calm", "folk pop jazz"),
    ("coffee|coffee shop|coffeehouse|cafe|rainy day|cozy|sunday", "☕🌧️", "calm romantic", "folk jazz"),
    ("cooking|kitchen|dinner|dinner party|wine|cena", "🍝🍷", "groovy romantic", "jazz rnb world"),
    ("work|office|at work|working|desk", "💼🖥️", "calm happy", "pop rock electronic"),
    ("cleaning|chores|clean the house|laundry", "🧹🧽", "happy groovy", "pop rnb rock"),
    ("yoga|meditation|meditate|mindfulness|spa|massage", "🧘🕉️", "calm dark", "electronic classical world"),
    ("autumn|fall|october|sweater weather|leaves", "🍁🍂", "calm sad", "folk rock"),
    ("winter|snow|cold|december|snow day", "❄️⛄", "sad calm", "folk classical"),
    ("spring|april|flowers|bloom", "🌷🌸", "happy calm", "folk pop"),
    ("bbq|barbecue|cookout|backyard|4th of july|america|grill", "🍔🇺🇸", "happy groovy", "country rock rnb"),
    ("camping|bonfire|campfire|hiking|outdoors|mountains|lake", "🏕️⛰️", "calm happy", "folk country rock"),
    ("gaming|league|raid night|video gaming", "🎮👾", "energetic angry", "electronic metal"),
    ("smoke|stoned|high|420|blaze|weed", "🌿💨", "calm dark", "hiphop caribbean"),
    (
        "hockey|football|game day|basketball|baseball|locker room|warm up|walk up songs",
        "🏈🏀",
        "energetic angry",
        "hiphop rock metal",
    ),
    ("prom|homecoming|school dance|graduation|senior year|class of 2017", "🎓👗", "romantic happy", "pop hiphop rnb"),
    ("boat|sailing|yacht|lake days|river", "⛵🌊", "happy calm", "country caribbean rock"),
    ("funeral|in memory|grandma|heaven", "🕊️💐", "sad calm", "faith country folk"),
    ("birthday|bday|21st birthday|cumpleaños", "🎂🎈", "happy energetic", "pop hiphop latin"),
    ("baby|nursery|mom|family", "👶🍼", "calm happy", "pop folk classical"),
    ("city|new york|nyc|los angeles|vegas", "🌃🏙️", "energetic dark", "hiphop jazz electronic"),
    ("beach house|island time|vacation|vacay|cruise|mexico", "🌴🍹", "happy calm", "caribbean latin electronic"),
]

# Titles that say nothing about the music.
MUTE = (
    "music|my music|favorites|faves|stuff|random|idk|songs|my playlist|playlist|jams|good stuff|mix|mixtape|my jams|misc|everything|"
    "liked|saved|good songs|awesome|best|all|my songs|new playlist|untitled|x|asdf|hmm|yes|tunes|bangers|fire|perfect|the best|mine|"
    "me|us|ours|home|life|thoughts|january|february|march|june|july|august|september|november|emily|sarah|mike|jake|anna|josh|"
    "mom|dad|him|her|you|starred|shazam|my shazam tracks|listen later|to listen|discover|queue|ipod|phone|library|old|collection|"
    "lucky 7|banana|potato|inside joke|the office quotes|spaghetti|llama|42|nope|why not|blah|whatever|ugh|oh well|wip|temp|test"
)

# How people wrap a word, the commonest first.
SUFFIXES: list[str] = [
    "{}", "{} music", "{} songs", "{} mix", "{} playlist", "{} jams", "my {}", "{} 2", "{} vibes", "{} hits", "best of {}", "{} 2017",
    "{} tunes", "{} favorites", "good {}", "{} 2016", "{} time", "all {}", "the {} playlist", "{} classics", "{} party", "some {}",
    "{} stuff", "{} forever", "just {}", "{} all day", "ultimate {}", "{} & more", "{} essentials", "{} 2015", "{} 1", "for {}",
    "{} shit", "only {}", "{} mood", "{} collection", "{} days", "pure {}", "{} mixtape", "{} session", "{} radio", "{} 3",
]  # fmt: skip

# Words of track names: per mood, then everyone's nouns, adjectives and openings.
TRACK_WORDS: dict[str, str] = {
    "happy": "Sunshine|Smile|Daylight|Holiday|Golden|Laughing|Lemonade|Rainbow|Saturday|Better Days|Bright|Balloon",
    "sad": "Tears|Goodbye|Lonely|Broken|Empty|Without You|Ghost|Rain|Letter|Memory|Falling|Grey|Regret",
    "calm": "River|Drift|Clouds|Quiet|Breathe|Harbor|Slow|Meadow|Willow|Still|Horizon|Feather|Lantern",
    "energetic": "Thunder|Power|Rush|Champion|Fire|Lightning|Rise|Engine|Jump|Overdrive|Louder|Rocket",
    "romantic": "Kiss|Heart|Darling|Honey|Forever|Tender|Lover|Velvet|Rose|Marry|Sugar|Together",
    "angry": "Burn|Enemy|Knives|Riot|Venom|War|Blood|Hammer|Traitor|Break|Savage|Wreck",
    "dark": "Midnight|Shadow|Moon|Crow|Haunted|Black|Smoke|Abyss|Night|Raven|Hollow|Eclipse",
    "groovy": "Dance|Groove|Boogie|Shake|Rhythm|Disco|Move|Swing|Funk|Floor|Bounce|Hips",
    "noun": (
        "Road|City|Summer|Winter|Sky|Ocean|Train|Window|Mirror|Garden|House|Street|Mountain|Desert|Highway|Angel|Stranger|Soldier|"
        "Queen|King|Dream|Morning|Evening|Song|Radio|Telephone|Photograph|Diamond|Silver|Paper|Glass|Stone|Bridge|Island|Valley|"
        "Station|Circus|Carousel|Kingdom|Planet|Satellite|Machine|Mother|Brother|Sister|Daughter|Tiger|Wolf|Sparrow|Butterfly|Horse|"
        "Snake|Lion|Money|Gold|Whiskey|Coffee|Wine|Cigarette|Door|Key|Fence|Bed|Chair|Clock|Hour|Minute|Year|Century|Christmas|Sunday"
    ),
    "adjective": (
        "Young|Wild|Old|Blue|Red|Green|Crazy|Sweet|Bitter|Cold|Warm|Heavy|Little|Big|Long|Lost|Hidden|Secret|Sacred|Electric|Plastic|"
        "Crystal|Wooden|Holy|Perfect|Simple|Strange|Beautiful|Pretty|Ugly|Lazy|Hungry|Drunk|Sober|Blind|Deaf|Silent|Endless|Final|First"
    ),
    "opening": (
        "The|My|Your|This|Another|One|Every|In the|On the|Under the|Over the|Behind the|Into the|Out of|Back to|Love the|Take the|"
        "Give Me|Show Me|Tell Me|Don't|Can't|Never|Always|All the|No|Hey|Oh|We Are|I Am|You Are|Where's the|Beyond the|Chasing|Finding"
    ),
}

# Syllables of invented artists.
NAME_HEADS = "ba be bo bra ca cha clo da de do dra el fa fi flo ga gri ha jo ka ki kla la le lo ma me mo na ne no o pa pe pri ra ri ro sa se sha si sto ta te tri u va ve vi wa ya ze zo"
NAME_MIDDLES = "bel dan der fi gar ka la len lo ma mar mi na nel no ra ran ri ro sa ta tha ti vel vo xa za zen"
NAME_TAILS = "be by co da de dy ga go ka ke la lle ly ma mo na ne nie no ra rd rie ro sk son ss ta th ton va vy x ze"
NAME_SECONDS = (
    "Brothers|Sisters|Band|Orchestra|Project|Collective|Kings|Youth|Club|Machine|Choir|Trio|Sound|Boys|Girls|Union"
)
