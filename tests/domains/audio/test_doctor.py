"""What inspecting a folder of recordings tells, and what it says that it means."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from synthetic_sound import RATE, folders, silence, voice, write

from unpaired import Audio, MissingFile
from unpaired.domains.audio.inspection.file import bandwidth, clipped_samples, examine, tones
from unpaired.domains.audio.inspection.ranges import two_ranges
from unpaired.domains.audio.inspection.scan import SoundInventory, _speakers, scan
from unpaired.domains.audio.judges import panel
from unpaired.domains.audio.settings import AudioSettings

from .voices import speech

SETTINGS = AudioSettings()


def look(folder: Path, thorough: bool = True) -> SoundInventory:
    return scan(folder, SETTINGS, thorough)


def test_a_quick_scan_reads_headers(tmp_path: Path) -> None:
    root = folders(tmp_path)
    (root / "a" / "notes.txt").write_text("not a recording")
    found = look(root / "a", thorough=False)
    assert [file.name for file in found.files] == ["0.wav", "1.wav", "2.wav"]
    assert found.facts["rates"] == {"22050": 3}
    assert found.facts["codecs"] == {"PCM_16": 3}
    assert found.facts["other files"] == 1
    assert found.facts["duration"] == {"min": 1.6, "median": 1.6, "max": 1.6}
    assert found.draws == (2, 2, 2)
    assert found.analyses == ()


def test_listening_tells_silence_loudness_pitch_and_copies(tmp_path: Path) -> None:
    root = folders(tmp_path)
    shutil.copy(root / "b" / "0.wav", root / "b" / "copy.wav")
    found = look(root / "b")
    assert found.facts["usable minutes"] == pytest.approx(4 * 1.2 / 60, abs=0.01)
    assert found.facts["silence"] == pytest.approx(0.25, abs=0.03)
    assert found.facts["pitch"]["median in Hz"] == pytest.approx(110, rel=0.08)
    assert sum(found.facts["pitch"]["histogram"].values()) == pytest.approx(1, abs=0.01)
    assert found.facts["duplicates"] == {"files": 1, "examples": ["0.wav = copy.wav"]}
    assert found.facts["clipped"] == {"files": 0, "examples": []}
    assert "few files: There are 5 s of sound: expect timbre only; aim for 5 min a side." in found.warnings
    assert "copies: 1 recording is a copy of another; copies are seen more often than the rest." in found.warnings
    json.dumps(dict(found.facts), allow_nan=False)


def test_broken_empty_and_silent_files_are_listed(tmp_path: Path) -> None:
    write(tmp_path / "good.wav", voice(150, 1.0))
    write(tmp_path / "silent.wav", silence(1.0))
    write(tmp_path / "none.wav", silence(0.0))
    (tmp_path / "zero.wav").write_bytes(b"")
    (tmp_path / "text.wav").write_text("words")
    found = look(tmp_path)
    assert [file.name for file in found.files] == ["good.wav"]
    reasons = {each.path.name: each.reason for each in found.broken}
    assert reasons["silent.wav"] == "holds no sound: it is silent"
    assert reasons["zero.wav"] == "is empty (0 bytes)"
    assert set(reasons) == {"silent.wav", "none.wav", "zero.wav", "text.wav"}
    assert all(reasons.values())
    assert any(sentence.startswith("broken files: 4 of 5 files cannot be used") for sentence in found.warnings)


def test_clipping_is_three_samples_in_a_row_at_full_scale() -> None:
    block = np.zeros((2, 20), np.float32)
    block[0, 3:5] = 1.0
    block[0, 10:14] = -1.0
    block[1, 17:20] = 1.0
    assert clipped_samples(block) == 7
    assert clipped_samples(0.5 * block) == 0


def test_clipped_and_short_recordings_are_warned_of(tmp_path: Path) -> None:
    write(tmp_path / "loud.wav", np.clip(20 * voice(150, 1.0), -1, 1))
    write(tmp_path / "short.wav", voice(150, 0.3))
    found = look(tmp_path)
    assert found.facts["clipped"] == {"files": 1, "examples": ["loud.wav"]}
    assert any("clipped" in sentence for sentence in found.warnings)
    assert (
        "small files: 1 recordings are shorter than a sample of 0.74 s: they are extended by reflection."
        in found.warnings
    )


def test_bandwidth_and_telephone(tmp_path: Path) -> None:
    from unpaired.domains.audio.signal.sound import resampled

    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(2 * 8000)).astype(np.float32)
    telephone = resampled(noise, 8000, RATE)
    assert bandwidth(telephone, RATE) == pytest.approx(4000, abs=400)
    assert bandwidth((0.1 * rng.standard_normal(RATE)).astype(np.float32), RATE) == pytest.approx(RATE / 2, abs=100)
    write(tmp_path / "telephone.wav", telephone, subtype="FLOAT")
    assert any("nothing above 4" in sentence for sentence in look(tmp_path).warnings)


def test_music_beneath_a_voice_is_warned_of(assets: Path, tmp_path: Path) -> None:
    """A chord 20 dB below the speech; the speech alone, and with white noise as loud, has no tones in its pauses."""
    sound = speech(assets, "female-1", "male-1")
    seconds = np.arange(len(sound)) / RATE
    chord = sum(np.sin(2 * np.pi * hz * n * seconds) / n for hz in (220.0, 277.2, 329.6) for n in range(1, 6))
    noise = np.random.default_rng(0).standard_normal(len(sound))
    for name, beneath in (("alone", 0 * noise), ("noisy", noise), ("chord", np.asarray(chord))):
        level = 0.1 * np.sqrt(np.square(sound).mean() / max(1e-12, np.square(beneath).mean()))
        write(tmp_path / name / "one.wav", (sound + level * beneath).astype(np.float32), subtype="FLOAT")
        warned = any(each.startswith("music beneath: 1 of 1") for each in look(tmp_path / name).warnings)
        assert warned == (name == "chord")
    music = scan(tmp_path / "chord", AudioSettings(content="music"), thorough=True)
    assert not any("beneath" in each for each in music.warnings)


def test_moments_of_digital_silence_have_no_tones() -> None:
    assert tones(np.zeros(RATE, np.float32), RATE) == 0
    assert tones(np.zeros(100, np.float32), RATE) == 0
    clicks = np.zeros(4 * RATE, np.float32)
    clicks[::RATE] = 0.5
    assert tones(clicks, RATE) < 10


def test_sound_without_pitch_is_taken_for_music(tmp_path: Path) -> None:
    noise = (0.1 * np.random.default_rng(0).standard_normal(RATE)).astype(np.float32)
    write(tmp_path / "noise.wav", noise)
    assert any("set domain.content to music" in sentence for sentence in look(tmp_path).warnings)
    music = scan(tmp_path, AudioSettings(content="music"), thorough=True)
    assert not any("pitch" in sentence.lower() for sentence in music.warnings)


def test_mixed_voices_are_warned_of(tmp_path: Path) -> None:
    for number, hz in enumerate((90, 250)):
        write(tmp_path / f"{number}.wav", voice(hz, 2.0))
    assert any("Low and high voices are mixed" in sentence for sentence in look(tmp_path).warnings)


def test_creak_and_mistaken_octaves_are_no_second_voice() -> None:
    """Of nine recordings of one voice each is an octave too low for 45 % of its time, and one is so throughout."""
    steady, random = [220.0] * 330, np.random.default_rng(0)
    high = [random.permutation([*steady, *[110.0] * 270]) * 2 ** random.normal(0, 0.1) for _ in range(9)]
    assert two_ranges([*high, np.full(600, 110.0)]) is None
    low, least = [np.array(steady) / 2] * 2, [np.zeros(0), np.full(3, 90.0)]
    assert two_ranges([*high, *low, *least]) == pytest.approx((110, 220), rel=0.1)
    assert two_ranges([np.concatenate([*low, steady, *low, steady, *low])]) is not None  # two people, one recording
    assert two_ranges([]) is None


def test_a_creaky_voice_is_one_voice(assets: Path, tmp_path: Path) -> None:
    for name in ("female-1", "wideband"):
        shutil.copyfile(assets / "speech" / f"{name}.flac", tmp_path / f"{name}.flac")
    assert not any("mixed voices" in sentence for sentence in look(tmp_path).warnings)
    shutil.copyfile(assets / "speech" / "male-1.flac", tmp_path / "male-1.flac")
    assert any("mixed voices" in sentence for sentence in look(tmp_path).warnings)


def test_several_speakers_in_one_folder_are_warned_of(
    assets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("female-1", "female-2", "male-1", "male-2"):
        shutil.copy(assets / "speech" / f"{name}.flac", tmp_path)
    (said,) = (each for each in Audio().scan(tmp_path, thorough=True).warnings if "several speakers" in each)
    assert "sound like several people (their two halves are 0." in said
    assert not any("several speakers" in each for each in Audio(content="music").scan(tmp_path, True).warnings)
    monkeypatch.setattr(panel, "find_spec", lambda name: None)
    without = Audio().scan(tmp_path, thorough=True)
    assert not any("several speakers" in each for each in without.warnings)
    assert without.analyses[0].speaker is None  # type: ignore[attr-defined]


def test_a_stranger_among_recordings_of_one_voice_is_named() -> None:
    """Cosines by hand: 0.9 among the voices of one, 0.5 to a stranger."""
    own, other = np.eye(12), np.sqrt(0.1)
    voices = [(Path(f"{n}.wav"), np.sqrt(0.9) * own[0] + other * own[n + 1]) for n in range(10)]
    assert list(_speakers(voices)) == []
    stranger = 0.5 / np.sqrt(0.9) * own[0]
    stranger = stranger + np.sqrt(1 - stranger @ stranger) * own[11]
    (said,) = _speakers([*voices, (Path("guest.wav"), stranger)])
    assert "1 recording sounds like somebody else than the rest (guest.wav)" in said
    assert list(_speakers([*voices[:2], (Path("guest.wav"), stranger)])) == []  # too few to tell
    (said,) = _speakers([*voices[:3], (Path("guest.wav"), stranger)])
    assert "several people (their two halves are 0.56 as alike" in said  # 0.5 / 0.9


def test_recordings_of_a_lively_speaker_are_one_voice(assets: Path) -> None:
    """Cosines of 0.7 among all: unlike, but in no two groups. Then two groups of 0.9, and 0.5 between them."""
    base = np.eye(26)
    lively = [(Path(f"{n}.wav"), np.sqrt(0.7) * base[0] + np.sqrt(0.3) * base[n + 2]) for n in range(24)]
    assert list(_speakers(lively)) == []
    groups = [np.sqrt(0.7) * base[0] + np.sqrt(0.2) * base[1] * sign for sign in (1, -1)]
    two = [(Path(f"{n}.wav"), groups[n % 2] + np.sqrt(0.1) * base[n + 2]) for n in range(24)]
    (said,) = _speakers(two)
    assert "their two halves are 0.56 as alike" in said  # 0.5 / 0.9


def test_two_folders_of_one_voice_and_of_two(tmp_path: Path) -> None:
    for number in range(4):
        sound = voice(150, 2.0, seed=7)[number * 4000 : number * 4000 + 30000]
        write(tmp_path / "ab"[number % 2] / f"{number}.wav", sound)
    domain = Audio()
    same = domain.compare(look(tmp_path / "a"), look(tmp_path / "b"))
    assert same == (
        "little difference: A and B sound like one voice, by pitch and long-term spectrum: there is little to learn.",
    )
    root = folders(tmp_path / "two", high=200.0)
    assert domain.compare(look(root / "a"), look(root / "b")) == ()
    itself = domain.compare(look(root / "a"), look(root / "a"))
    assert itself == ("same folder: A and B are the same folder: there is nothing to translate.",)


def test_two_folders_that_share_recordings_or_are_unlike(tmp_path: Path) -> None:
    root = folders(tmp_path, high=330.0, low=110.0)
    shutil.copy(root / "a" / "0.wav", root / "b" / "again.wav")
    write(root / "b" / "long.wav", voice(110, 60.0, rate=4000), 4000)
    told = Audio().compare(look(root / "a"), look(root / "b"))
    assert any(
        line.startswith("in both sides: 1 recording is in A and in B, byte for byte (0.wav = again.wav)")
        for line in told
    )
    assert any("more than an octave apart" in line for line in told)
    assert any("the smaller side is repeated" in line for line in told)


def test_music_with_unlike_ranges_of_notes_is_warned_of(tmp_path: Path) -> None:
    """Three octaves, of which only the one in the middle is played by both."""
    music = Audio(content="music")
    for side, notes in (("a", (130, 160, 200, 260, 400)), ("b", (260, 400, 520, 700, 1000))):
        for hz in notes:
            write(tmp_path / side / f"{hz}.wav", voice(hz, 1.0, tract=1.2 if side == "b" else 0.8))
    a, b = (scan(tmp_path / side, music.settings, thorough=True) for side in "ab")
    (told,) = [line for line in music.compare(a, b) if "outside the notes" in line]
    assert "learnt as its timbre; keep to notes from" in told
    low, high = (float(word) for word in told.split("keep to notes from ")[1].split()[::2][:2])
    assert low == pytest.approx(260, rel=0.2)
    assert high == pytest.approx(400, rel=0.2)
    shutil.rmtree(tmp_path / "b")
    for hz in (140, 170, 390):
        write(tmp_path / "b" / f"{hz}.wav", voice(hz, 1.0, tract=1.2))
    alike = music.compare(a, scan(tmp_path / "b", music.settings, thorough=True))
    assert not any("outside the notes" in line for line in alike)


def test_an_absent_folder_and_an_empty_one(tmp_path: Path) -> None:
    with pytest.raises(MissingFile, match="there is no folder"):
        look(tmp_path / "absent")
    empty = look(tmp_path)
    assert empty.files == ()
    assert empty.warnings == ("nothing usable: There are no usable recordings here.",)


def test_real_voices_are_measured_as_they_are(shared: Path) -> None:
    """A sentence each of two women and a man of VCC 2018: full band, not clipped, voices where they should be."""
    folder = shared / "data" / "speech" / "vcc2018"
    medians = {}
    for speaker in ("VCC2SF1", "VCC2SF3", "VCC2SM1"):
        found = examine(sorted((folder / speaker).iterdir())[0], SETTINGS).analysis
        assert found is not None
        medians[speaker] = float(np.median(found.pitch))
        assert found.bandwidth == pytest.approx(RATE / 2, abs=50)
        assert -30 < found.loudness < -15
        assert found.clipped == 0
    assert medians["VCC2SF1"] > 180
    assert medians["VCC2SM1"] < 120
