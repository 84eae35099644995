"""The page's pure functions against others that say the same in Python, in the browser that runs them."""

from __future__ import annotations

import random
from typing import Any

from serve.page.conftest import Visiting

IDS = [f"t{i}" for i in range(12)]
MODULES = "const d = await import('/static/draft.js'); const w = await import('/static/wishes.js');"
MERGED = f"""async cases => {{ {MODULES}
  const tracks = ids => ids.map(track_id => ({{track_id}}));
  return cases.map(({{old, pinned, removed, never, answered, n}}) => {{
    const marks = Object.fromEntries(never.map(id => [id, 'never']));
    const draft = {{...d.NO_DRAFT, tracks: tracks(old), pinned, removed, marks}};
    return [d.merged, d.filled].map(f => f(draft, tracks(answered), {{n}}).tracks.map(t => t.track_id));
  }});
}}"""
ADDRESSES = f"""async cases => {{ {MODULES}
  return cases.map(wishes => w.fromQuery(new URLSearchParams(w.toQuery(wishes).toString())));
}}"""
EDITS = f"""async () => {{ {MODULES}
  let draft = {{...d.NO_DRAFT, tracks: ['a', 'b', 'c', 'd'].map(track_id => ({{track_id}}))}};
  const ids = made => made.tracks.map(t => t.track_id).join('');
  const kept = d.marked(draft, 'b', 'keep');
  return [
    ids(d.moved(draft, 0, 2)), ids(d.moved(draft, 3, -5)), ids(d.moved(draft, 1, 9)), d.moved(draft, 2, 2) === draft,
    ids(d.without(draft, 1)), ids(d.added(draft, {{track_id: 'e'}})), d.added(draft, {{track_id: 'a'}}) === draft,
    ids(d.marked(draft, 'c', 'never')), kept.pinned.join(), d.marked(kept, 'b', 'keep').pinned.join(),
    JSON.stringify(d.said(draft, kept)), JSON.stringify(d.said(kept, draft)),
    JSON.stringify(d.said(kept, d.marked(kept, 'b', 'more'))),
    ids(d.headed(draft, [{{track_id: 'x'}}, {{track_id: 'b'}}])), ids(draft),
    d.keyed(['a', 'b', 'a'].map(track_id => ({{track_id}}))).map(([key]) => key).join(),
  ];
}}"""


def merged(
    old: list[str], pinned: list[str], removed: list[str], never: list[str], answered: list[str], n: int
) -> list[str]:
    """Places that are held stay held; the answer fills the others, in its order."""
    held = {at: track for at, track in enumerate(old) if track in pinned}
    gone = {*pinned, *removed, *never}
    fresh = [track for track in answered if track not in gone][: max(n - len(held), 0)]
    made: list[str] = []
    while fresh or held:
        if len(made) in held:
            made.append(held.pop(len(made)))
        elif fresh:
            made.append(fresh.pop(0))
        else:
            made += [held.pop(at) for at in sorted(held)]
    return made


def filled(
    old: list[str], pinned: list[str], removed: list[str], never: list[str], answered: list[str], n: int
) -> list[str]:
    """Everything stays but what is rejected; the answer comes behind."""
    made = [track for track in old if track not in never]
    fresh = [track for track in answered if track not in {*made, *removed, *never}]
    return made + fresh[: max(n - len(made), 0)]


def test_answers_are_merged_into_what_a_person_holds(visiting: Visiting) -> None:
    rng = random.Random(11)

    def some(most: int, of: list[str] = IDS) -> list[str]:
        return rng.sample(of, min(rng.randint(0, most), len(of)))

    cases: list[dict[str, Any]] = []
    for _ in range(400):
        old = some(8)
        pinned = some(4, old)
        removed = some(2, [track for track in IDS if track not in old])
        never = some(2, [track for track in IDS if track not in pinned])
        cases.append(
            {
                "old": old,
                "pinned": pinned,
                "removed": removed,
                "never": never,
                "answered": some(12),
                "n": rng.randint(1, 9),
            }
        )
    found = visiting().go().page.evaluate(MERGED, cases)
    assert [pair[0] for pair in found] == [merged(**case) for case in cases]
    assert [pair[1] for pair in found] == [filled(**case) for case in cases]


def test_wishes_survive_the_address(visiting: Visiting) -> None:
    rng = random.Random(12)
    texts = ["", "rainy day", "a=b&c#d?e", "\"'<b>%41", "🌧 мама", "+ +", "line\nline"]
    cases = [
        {
            "title": rng.choice(texts),
            "given": [
                {"track_id": f"id {i}&", "name": rng.choice(texts), "artist": rng.choice(texts)}
                for i in range(rng.randint(0, 3))
            ],
            "after": rng.choice([None, {"id": "p=1", "title": rng.choice(texts)}]),
            "n": rng.choice([1, 25, 500]),
            "minutes": rng.choice([0, 0, 45]),
            "from": rng.choice([None, 0, 1990]),
            "to": rng.choice([None, 1999]),
            "clean": rng.random() < 0.5,
            "cap": rng.choice([0, 3]),
            "adventure": rng.choice([0, -1, 0.3]),
            "order": rng.choice(["ranked", "smooth", "arc"]),
            "fresh": rng.random() < 0.5,
        }
        for _ in range(200)
    ]
    found = visiting().go().page.evaluate(ADDRESSES, cases)
    assert found == [case | {"n": 25 if case["minutes"] else case["n"]} for case in cases]


def test_edits_leave_what_they_are_given_as_it_is(visiting: Visiting) -> None:
    assert visiting().go().page.evaluate(EDITS) == [
        "bcad", "dabc", "acdb", True,
        "acd", "abcde", True,
        "abd", "b", "",
        '[["b","keep"]]', '[["b","undo"]]',
        '[["b","more"]]',
        "xabcd", "abcd",
        "a,b,a 2",
    ]  # fmt: skip
