#!/usr/bin/env bash
# ImageFont.load_default(size) has letters for little more than ASCII: ö, é and – are drawn as one and the same box.
#
# Guess: it is "Aileron Regular" (so says getname()), a typeface with all of Latin-1 and more; and text
# that it cannot draw is at least told.
# Behaviour: what is embedded is a part of Aileron. Of the 95 letters and signs of Latin-1's upper half 87 give the glyph for
# missing ones, without a warning; getlength and getbbox do not tell either. Seen with Pillow 13.0.0, its wheel's FreeType.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install --quiet pillow==13.0.0
"$work/venv/bin/python" - <<'PYTHON'
import sys
import warnings

import PIL
from PIL import Image, ImageDraw, ImageFont

warnings.simplefilter("error")
font = ImageFont.load_default(24)
print("Pillow", PIL.__version__, font.getname())


def drawn(text):
    picture = Image.new("L", (60, 40))
    ImageDraw.Draw(picture).text((5, 5), text, fill=255, font=font)
    return picture.tobytes()


missing = drawn("\uffff")  # no character at all
boxes = {letter: drawn(letter) == missing for letter in "aZ~öéß–€Ł東"}
print("drawn as the box for missing glyphs:", boxes)
ascii_drawn = all(drawn(chr(code)) != missing for code in range(0x21, 0x7F))
latin_missing = [chr(code) for code in range(0xA1, 0x100) if code != 0xAD and drawn(chr(code)) == missing]
print("all of ASCII has letters:", ascii_drawn, "- of Latin-1's upper half have none:", len(latin_missing))
expected = {letter: ord(letter) > 0x7E for letter in boxes}
sys.exit(boxes != expected or not ascii_drawn or len(latin_missing) != 87)
PYTHON
