"""The channel plugin `zalouser`, which connects clawlane to zaloweb."""
