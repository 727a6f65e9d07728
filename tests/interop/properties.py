# SPDX-License-Identifier: LGPL-2.1-or-later
"""Our clients have every property of rtmp2src and rtmp2sink: a line needs only other names."""

from gi.repository import GObject

from rtmptest import case
from rtmptest.gst import Gst

# What came to the rtmp2 elements after GStreamer 1.22, so that no installed one shows it.
LATER = {
    'rtmpclientsrc': {'extra-connect-args': str, 'no-eof-is-error': bool},
    'rtmpclientsink': {'extra-connect-args': str},
}

# Releases differ in the default of the first; rtmp2sink's chunks of 128 bytes cost sixty times the
# processor time of large ones.
OTHER_DEFAULT = {'flash-version', 'chunk-size'}


def own_properties(element):
    """What the element itself declares, without what GObject and the base classes do."""
    return {spec.name: spec for spec in element.list_properties()
            if spec.owner_type.name.startswith('GstRtmp')}


def nicks(spec):
    """The words of an enumeration or of flags; None for other types."""
    if spec.value_type.is_a(GObject.TYPE_ENUM):
        return {value.value_nick for value in spec.enum_class.__enum_values__.values()}
    if spec.value_type.is_a(GObject.TYPE_FLAGS):
        return {nick for value in spec.flags_class.__flags_values__.values()
                for nick in value.value_nicks}
    return None


class AsInRtmp2(case.Case):

    def same(self, ours_name, theirs_name):
        self.need_elements(theirs_name)
        ours, theirs = (Gst.ElementFactory.make(name) for name in (ours_name, theirs_name))
        mine = {spec.name: spec for spec in ours.list_properties()}
        for name, spec in own_properties(theirs).items():
            with self.subTest(property=name):
                self.assertIn(name, mine)
                self.same_property(mine[name], spec)

    def same_property(self, mine, spec):
        words = nicks(spec)
        if words is None:
            self.assertEqual(spec.value_type, mine.value_type)
            if spec.name not in OTHER_DEFAULT and spec.value_type != Gst.Structure.__gtype__:
                self.assertEqual(spec.default_value, mine.default_value)
        else:
            self.assertLessEqual(words, nicks(mine) or set())
            self.assertEqual(int(spec.default_value), int(mine.default_value))
        access = GObject.ParamFlags.READABLE | GObject.ParamFlags.WRITABLE
        self.assertEqual(spec.flags & access, mine.flags & access)

    def test_rtmpclientsrc_has_what_rtmp2src_has(self):
        self.same('rtmpclientsrc', 'rtmp2src')

    def test_rtmpclientsink_has_what_rtmp2sink_has(self):
        self.same('rtmpclientsink', 'rtmp2sink')

    def test_what_later_releases_added_is_here(self):
        for element, properties in LATER.items():
            mine = {spec.name: spec
                    for spec in Gst.ElementFactory.make(element).list_properties()}
            for name, kind in properties.items():
                with self.subTest(element=element, property=name):
                    self.assertIn(name, mine)
                    self.assertEqual(GObject.GType(kind), mine[name].value_type)

    def test_authmod_knows_the_scheme_of_later_releases(self):
        for name in ('rtmpclientsrc', 'rtmpclientsink'):
            authmod = Gst.ElementFactory.make(name).find_property('authmod')
            self.assertLessEqual({'none', 'auto', 'adobe', 'llnw'}, nicks(authmod))

    def test_our_uri_handlers_rank_above_rtmp2s(self):
        for kind, name in ((Gst.URIType.SRC, 'rtmpclientsrc'),
                           (Gst.URIType.SINK, 'rtmpclientsink')):
            for scheme in ('rtmp', 'rtmps'):
                element = Gst.Element.make_from_uri(kind, f'{scheme}://host/live/cam', None)
                self.assertEqual(name, element.get_factory().get_name())

    def test_every_instance_has_the_default_that_its_class_promises(self):
        for feature in Gst.Registry.get().get_feature_list_by_plugin('rtmp3'):
            name = feature.get_name()
            element = Gst.ElementFactory.make(name)
            for spec in own_properties(element).values():
                plain = spec.value_type in (GObject.TYPE_BOOLEAN, GObject.TYPE_INT,
                                            GObject.TYPE_UINT, GObject.TYPE_UINT64,
                                            GObject.TYPE_STRING)
                settable = spec.flags & GObject.ParamFlags.WRITABLE
                if plain and settable and spec.flags & GObject.ParamFlags.READABLE:
                    with self.subTest(element=name, property=spec.name):
                        self.assertEqual(spec.default_value, element.get_property(spec.name))


if __name__ == '__main__':
    case.main()
