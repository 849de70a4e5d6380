"""The terms for what goes well or wrong in data, training and translations: one list for every report and message.

A sentence that tells of one begins with it: `blur: translations hold 0.4 of the fine detail ...`. So people and scripts
meet the same words in `unpaired inspect`, in a training and in `unpaired evaluate`.
"""

from __future__ import annotations

from collections.abc import Mapping

VERDICTS: Mapping[str, str] = {
    "too early to judge": "the run has not had the steps after which its translations tell anything",
    "going on well": "the scores of held-out files still improve, and nothing is noticed that is wrong",
    "no gain": "the scores of held-out files have not improved by more than their noise for a while",
    "getting worse": "the scores of held-out files rise since their best",
    "looks wrong": "a finding stands: the verdict names it, and what to change",
    "not scored": "there are no scores of held-out files, and losses do not tell how good translations are",
}
"""What a run can come to."""
EVALUATIONS: Mapping[str, str] = {
    "translation gained": "translations are closer to the target than the untouched input is",
    "gained nothing": "translations are no closer to the target than the untouched input is",
    "worse than the input": "leaving the input alone would come closer to the target",
    "not comparable": "there is no figure of the untouched input to compare with",
}
"""What an evaluation can come to, beside a finding."""
READINESS: Mapping[str, str] = {
    "ready to train": "nothing stands in the way",
    "trains with reservations": "training works, but what is named limits it",
    "cannot train": "training would be refused, or has nothing to learn",
}
"""What an inspection can come to."""
FINDINGS: Mapping[str, str] = {
    "NaN or infinity": "a loss, a weight or a translation is not finite",
    "identity collapse": "the translation equals its input",
    "colour inversion": "the translation is a negative, and translating back inverts it again",
    "displaced translation": "everything is shifted, and translating back shifts it the other way",
    "flat output": "translations hardly vary within a sample",
    "identical outputs": "different inputs get one and the same translation (mode collapse)",
    "mode collapse": "samples from different noise are all but the same few",
    "discriminator saturation": "a discriminator is always right, and gives the generator no useful gradient",
    "blur": "translations lack the fine detail of the target",
    "noise": "translations hold far more speckle than the target",
    "checkerboard": "a regular grid lies over translations",
    "low contrast": "translations have far less contrast than the target",
    "colour cast": "the mean level of a channel is off the target's",
    "content lost": "the input cannot be recovered from its translation",
    "overfitting": "training files are translated better and better, held-out ones worse",
    "flicker": "translated footage changes from frame to frame more than its input does",
}
"""Symptoms of translations and of training."""
DATA: Mapping[str, str] = {
    "nothing usable": "no file can be used",
    "broken files": "files cannot be read and are left out",
    "left out": "files are of a kind that is not trained on",
    "same folder": "A and B are one folder",
    "few files": "there is so little that it may be memorised",
    "unequal sides": "one side has far less than the other",
    "small files": "files are smaller than a training sample",
    "long shapes": "pictures are far longer than wide",
    "copies": "files of one side are the same, or nearly",
    "in both sides": "files are in A and in B, or nearly",
    "flat files": "pictures show one colour only",
    "mixed colour": "grey pictures lie among coloured ones",
    "transparency": "transparency is ignored",
    "several pages": "only one picture of a file is used",
    "sizes differ": "one side is larger, and so sharper, than the other",
    "shapes differ": "one side is wider than the other",
    "colour differs": "one side is coloured and the other grey",
    "one side drawn": "one side has few colours and shows less than the other",
    "quality differs": "bandwidth or noise tell the sides apart",
    "pitch differs": "the sides' pitch is far apart",
    "notes differ": "one side plays notes that the other lacks",
    "rates differ": "the sides' frame rates differ",
    "little difference": "both sides are alike, and there is little to learn",
    "silence": "much of the sound is silent",
    "pauses that sound": "what is no speech would be learnt as the voice",
    "clipping": "recordings are clipped",
    "noisy recordings": "recordings have a high noise floor, or no pauses",
    "narrow bandwidth": "recordings lack high frequencies",
    "uneven loudness": "recordings differ in loudness",
    "little pitch": "hardly any pitch is found",
    "mixed voices": "low and high voices are mixed",
    "music beneath": "there are tones beneath the voices",
    "several speakers": "recordings sound like several people",
    "no neighbours": "pictures or short clips teach the temporal losses little",
    "one recording": "numbered files may be parts of one recording",
    "uneven lengths": "one file holds most of the footage",
    "static footage": "little moves, or frames are repeated",
    "disordered frames": "numbered pictures do not follow one another",
    "slow seeking": "key frames are far apart",
    "damaged in part": "files can be decoded only in part",
}
"""Remarks on the data of a training."""
TERMS: Mapping[str, str] = {**VERDICTS, **EVALUATIONS, **READINESS, **FINDINGS, **DATA}
"""Every term, with its meaning."""


def remark(term: str, sentence: str) -> str:
    """A sentence under its term. Raises KeyError for one that is not listed."""
    TERMS[term]
    return f"{term}: {sentence}"


def term_of(sentence: str) -> str | None:
    """The term that a sentence begins with; None where it has none, as of a medium of one's own."""
    term, colon, _ = sentence.partition(": ")
    return term if colon and term in TERMS else None
