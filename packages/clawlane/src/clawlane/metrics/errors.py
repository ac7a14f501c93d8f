"""What keeps metrics from being served.

MetricsUnusable     the library is missing, or the address cannot be listened on; the text is one line
"""

from __future__ import annotations


class MetricsUnusable(Exception):
    """No metrics can be served. The text is one line for the operator."""
