# SPDX-License-Identifier: LGPL-2.1-or-later
"""Real programs around the elements: started, watched, compared and ended by the tests."""
