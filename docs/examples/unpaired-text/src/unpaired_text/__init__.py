"""Texts as a medium of unpaired, and the four text GANs as objectives."""
