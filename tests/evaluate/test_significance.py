from __future__ import annotations

import numpy as np
import pytest

from segue.evaluate.significance import holm, interval, not_below, not_below_each, paired, resampled_means


def test_holm_by_hand() -> None:
    # sorted: .01 x 4, .02 x 3, .03 x 2, .04 x 1 -> .04, .06, .06 (not .06 < .06), .06
    np.testing.assert_allclose(holm([0.02, 0.04, 0.01, 0.03]), [0.06, 0.06, 0.04, 0.06])
    np.testing.assert_allclose(holm([0.5, 0.9]), [1.0, 1.0])
    assert holm([]).tolist() == []


def test_holm_passes_over_what_has_no_p_value() -> None:
    corrected = holm([0.01, float("nan"), 0.04])
    assert corrected[0] == pytest.approx(0.02)
    assert np.isnan(corrected[1])
    assert corrected[2] == pytest.approx(0.04)


def test_the_interval_covers_the_true_mean_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(1)
    covered = 0
    for trial in range(300):
        got = interval(rng.exponential(1.0, 80), resamples=400, rng_key=trial)
        covered += got.low <= 1.0 <= got.high
    assert 0.89 <= covered / 300 <= 0.98  # percentile intervals of skewed values run a little short of 0.95


def test_under_the_null_small_p_values_are_as_rare_as_they_should_be() -> None:
    rng = np.random.default_rng(2)
    p = [paired(rng.normal(size=60), rng.normal(size=60), resamples=400, rng_key=i).p for i in range(300)]
    assert 0.02 <= np.mean(np.array(p) <= 0.05) <= 0.10


def test_resamples_are_the_same_every_time_and_paired_across_calls() -> None:
    rng = np.random.default_rng(3)
    a, b = rng.random(50), rng.random(50)
    both = resampled_means(np.column_stack([a, b]))
    np.testing.assert_allclose(both[:, 0], resampled_means(a))
    np.testing.assert_allclose(both[:, 0] - both[:, 1], resampled_means(a - b), atol=1e-12)
    assert paired(a, b) == paired(a, b)
    assert not np.allclose(resampled_means(a, rng_key=1), resampled_means(a, rng_key=2))


def test_blocks_of_resamples_do_not_change_the_draws(monkeypatch: pytest.MonkeyPatch) -> None:
    import segue.evaluate.significance as module

    values = np.random.default_rng(4).random(40)
    whole = resampled_means(values)
    monkeypatch.setattr(module, "_CELLS", 40 * 7)
    np.testing.assert_allclose(resampled_means(values), whole)


def test_paired_says_which_way_and_how_much() -> None:
    rng = np.random.default_rng(5)
    b = rng.random(400)
    better = paired(b + 0.1, b)
    assert better.difference.mean == pytest.approx(0.1)
    assert better.difference.low == pytest.approx(0.1)
    assert better.p == pytest.approx(2 / 2001)
    assert better.ratio.mean == pytest.approx((b.mean() + 0.1) / b.mean())
    assert better.ratio.low < better.ratio.mean < better.ratio.high
    same = paired(b, b)
    assert (same.difference.mean, same.difference.low, same.difference.high, same.p) == (0, 0, 0, 1)
    assert same.ratio.mean == 1


def test_queries_without_a_value_are_left_out_in_pairs() -> None:
    a, b = np.array([1.0, np.nan, 3.0, 5.0]), np.array([0.0, 1.0, np.nan, 4.0])
    got = paired(a, b)
    assert got.n == 2
    assert got.difference.mean == 1
    assert np.isnan(paired(a[1:2], b[1:2]).p)
    assert np.isnan(interval(np.array([np.nan])).mean)
    assert np.isnan(paired(np.ones(3), np.zeros(3)).ratio.mean)


def test_not_below_follows_its_definition() -> None:
    rng = np.random.default_rng(6)
    b = rng.random(600)
    assert not_below(b, b).holds
    assert not_below(b * 0.995, b).holds  # half a per cent less, with hardly any noise
    assert not not_below(b * 0.97, b).holds
    assert not not_below(rng.random(20), rng.random(20) + 0.02).holds  # too few to know
    got = not_below(b + 0.01, b)
    assert got.bound == pytest.approx(-0.01 * b.mean())
    assert got.difference.low >= got.bound


def test_not_below_gets_stricter_with_the_number_of_scenarios() -> None:
    rng = np.random.default_rng(7)
    b = rng.random(500) + 1
    noise = rng.normal(0, 0.1, 500)
    noise -= noise.mean()
    alone = not_below(b + noise, b)
    among = not_below_each({str(i): (b + noise, b) for i in range(10)})
    assert among["3"].p >= alone.p * 9
    assert list(among) == [str(i) for i in range(10)]
