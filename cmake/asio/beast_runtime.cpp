// Boost.Beast's non-template bodies (BOOST_BEAST_SEPARATE_COMPILATION).
#include <boost/beast/src.hpp>
