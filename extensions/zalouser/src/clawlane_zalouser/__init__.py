"""The channel plugin `zalouser`, which connects clawlane to zaloweb."""

from clawlane.texts import add_catalogue

add_catalogue(__name__, __path__[0])
