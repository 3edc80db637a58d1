// The measures of local moments. They take most of the time that the library takes to compile, so that similarity.cpp is compiled once per
// number type, beside the other kernels of an instruction set.

#pragma once

#include "engine.h"
#include "lanes.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

template <class T>
void similarity_of(const Similarity& job, int share, int shares, void* scratch);

template <class T>
int64_t similarity_room(const Similarity& job);  // bytes of scratch

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
