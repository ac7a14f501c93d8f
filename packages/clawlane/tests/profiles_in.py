"""The profiles of a state directory, as tests look at them and fill them."""

from __future__ import annotations

import os
from collections.abc import Mapping

from clawlane.config.paths import Paths
from clawlane.credentials.profiles import Profiles
from clawlane.credentials.record_files import RecordFiles
from clawlane.credentials.sealing_key import KeyLocation


def profiles_in(paths: Paths, environ: Mapping[str, str] = os.environ) -> Profiles:
    """Its files; `environ` may say where the key is."""
    return Profiles(RecordFiles.of(paths), KeyLocation.of(paths.vault_dir, environ))
