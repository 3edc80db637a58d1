// The product of several maps at every position, and its derivatives with respect to each of them.

#pragma once

#include "rows.h"

namespace ssimloss {
namespace SSIMLOSS_SET {

// The maps become scale * the product of the others, which no map of 0 stands in the way of.
template <class T>
void product_of(const Product& job, int share, int shares, T* scratch) {
  constexpr int kParts = 16;
  const int64_t w = job.width, rows = job.planes * job.height, map = rows * w;
  const T scale = (T)job.scale;
  for (int64_t row = rows * share / shares; row < rows * (share + 1) / shares; row++) {
    T* first = (T*)job.maps + row * w;
    T* __restrict right = scratch + job.factors * w;  // the product of the maps after this one
    for (int64_t i = 0; i < w; i++) scratch[i] = right[i] = T(1);
    for (int64_t f = 1; f < job.factors; f++) {  // scratch: the product of the maps before each
      const T *__restrict value = first + (f - 1) * map, *__restrict before = scratch + (f - 1) * w;
      T* __restrict out = scratch + f * w;
      for (int64_t i = 0; i < w; i++) out[i] = before[i] * value[i];
    }
    for (int64_t f = job.factors - 1; f >= 0; f--) {
      const T* __restrict before = scratch + f * w;
      T* __restrict value = first + f * map;
      for (int64_t i = 0; i < w; i++) {
        const T slope = scale * before[i] * right[i];
        right[i] *= value[i];
        value[i] = slope;
      }
    }
    T parts[kParts] = {};
    int64_t i = 0;
    for (; i + kParts <= w; i += kParts)
      for (int k = 0; k < kParts; k++) parts[k] += job.complement ? 1 - right[i + k] : right[i + k];
    for (; i < w; i++) parts[0] += job.complement ? 1 - right[i] : right[i];
    double sum = 0;
    for (int k = 0; k < kParts; k++) sum += parts[k];
    job.row_sums[row] = sum;
  }
}

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
