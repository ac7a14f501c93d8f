"""The channel plugin `zalouser`: the one place where clawlane and zaloweb meet."""
