// The kernels of one instruction set. Compiled once for each, with the options that allow it; library.cpp chooses when it runs.

#include "blocks.h"
#include "colors.h"
#include "decimation.h"
#include "detail.h"
#include "deviation.h"
#include "edge_means.h"
#include "edges.h"
#include "flip.h"
#include "haar.h"
#include "hvs.h"
#include "mixture.h"
#include "opponent.h"
#include "phase.h"
#include "pixel_means.h"
#include "preparation.h"
#include "product.h"
#include "similarity.h"
#include "sorted_means.h"
#include "squared_errors.h"
#include "subbands.h"
#include "warp.h"

namespace ssimloss {
namespace SSIMLOSS_SET {
namespace {

// A share of a job, computed in double or in float.
template <class Job, void (*OF_FLOAT)(const Job&, int, int, float*), void (*OF_DOUBLE)(const Job&, int, int, double*)>
void either(const Job& job, bool is_double, int share, int shares, void* scratch) {
  is_double ? OF_DOUBLE(job, share, shares, (double*)scratch) : OF_FLOAT(job, share, shares, (float*)scratch);
}

void similarity(const Similarity& job, bool is_double, int share, int shares, void* scratch) {
  is_double ? similarity_of<double>(job, share, shares, scratch) : similarity_of<float>(job, share, shares, scratch);
}

int64_t similarity_scratch(const Similarity& job, bool is_double) {
  return is_double ? similarity_room<double>(job) : similarity_room<float>(job);
}

int64_t edges_scratch(const Edges& job, bool is_double) { return edges_room(job) * (is_double ? sizeof(double) : sizeof(float)); }

int64_t edge_means_scratch(const EdgeMeans& job, bool is_double) { return is_double ? EdgeRows<double>::bytes(job) : EdgeRows<float>::bytes(job); }

int64_t similarity_deviation_scratch(const SimilarityDeviation& job, bool is_double) {
  return is_double ? DeviationRows<double>::bytes(job) : DeviationRows<float>::bytes(job);
}

int64_t block_scratch(const Blocks& job, bool is_double) { return block_lines(job) * block_line(job) * (is_double ? sizeof(double) : sizeof(float)); }

void neighbour_products(const Mixture& job, bool is_double, int share, int shares, void* scratch) {
  is_double ? neighbour_products_of<double>(job, share, shares, (double*)scratch) : neighbour_products_of<float>(job, share, shares, (double*)scratch);
}

int64_t neighbour_products_scratch(const Mixture& job, bool) { return 4 * job.width * (int64_t)sizeof(double); }

int64_t information_map_scratch(const Mixture& job, bool is_double) {
  return is_double ? information_map_room<double>(job) : information_map_room<float>(job);
}

int64_t product_scratch(const Product& job, bool is_double) {
  return (job.factors + 1) * job.width * (is_double ? sizeof(double) : sizeof(float));
}

int64_t decimate_scratch(const Decimation& job, bool is_double) {
  return (5 * (job.width + 2 * kMargin) + 2 * kMargin) * (is_double ? sizeof(double) : sizeof(float));
}

int64_t undecimate_scratch(const Undecimation& job, bool is_double) {
  return (4 * (job.width + 2 * kMargin) + 2 * kMargin) * (is_double ? sizeof(double) : sizeof(float));
}

int64_t change_scratch(const Change& job, bool is_double) {
  return (6 * (job.width + 2 * kMargin) + kMargin) * (is_double ? sizeof(double) : sizeof(float));
}

int64_t detail_scratch(const Detail& job, bool is_double) {
  return is_double ? DetailScale<double>::bytes(job) : DetailScale<float>::bytes(job);
}

int64_t haar_means_scratch(const HaarMeans& job, bool is_double) { return is_double ? HaarRows<double>::bytes(job) : HaarRows<float>::bytes(job); }

int64_t color_means_scratch(const ColorMeans&, bool is_double) { return kColorLines * kColorPiece * (is_double ? sizeof(double) : sizeof(float)); }

int64_t flip_means_scratch(const FlipMeans& job, bool is_double) { return is_double ? FlipRows<double>::bytes(job) : FlipRows<float>::bytes(job); }

int64_t hvs_errors_scratch(const HVSErrors&, bool is_double) { return is_double ? HVSBlocks<double>::bytes() : HVSBlocks<float>::bytes(); }

void subbands(const Subbands& job, bool is_double, int share, int shares, void* scratch) {
  is_double ? SubbandSteps<double>(job).run(share, shares, (double*)scratch) : SubbandSteps<float>(job).run(share, shares, (float*)scratch);
}

int64_t subbands_scratch(const Subbands& job, bool is_double) {
  return is_double ? SubbandSteps<double>(job).scratch() * (int64_t)sizeof(double) : SubbandSteps<float>(job).scratch() * (int64_t)sizeof(float);
}

int64_t subband_elements(const Subbands& job, bool is_double) {
  return is_double ? SubbandSteps<double>(job).elements() : SubbandSteps<float>(job).elements();
}

void phase_congruency(const PhaseCongruency& job, bool is_double, int share, int shares, void* scratch) {
  is_double ? PhaseSteps<double>(job, job.memory).run(share, shares, (Vector<double>*)scratch)
            : PhaseSteps<float>(job, job.memory).run(share, shares, (Vector<float>*)scratch);
}

int64_t phase_congruency_scratch(const PhaseCongruency& job, bool is_double) {
  return is_double ? PhaseSteps<double>(job, nullptr).scratch() : PhaseSteps<float>(job, nullptr).scratch();
}

int64_t phase_congruency_memory(const PhaseCongruency& job, bool is_double) {
  return is_double ? PhaseSteps<double>(job, nullptr).bytes() : PhaseSteps<float>(job, nullptr).bytes();
}

int64_t opponent_scratch(const OpponentPlanes& job, bool is_double) {
  return 7 * (job.width + kErrorMargin) * (is_double ? sizeof(double) : sizeof(float));
}

int64_t visible_errors_scratch(const VisibleErrors&, bool is_double) { return is_double ? ErrorTile<double>::bytes() : ErrorTile<float>::bytes(); }

int64_t visible_errors_tiles(int64_t width) { return ErrorTile<float>::tiles(width); }

constexpr int64_t kPiece = 256;  // pixels of a coarser row at a time

template <class T>
void coarser_of(const Coarser& job, int share, int shares, T* scratch) {
  // Two fine lines of twice as many pixels, and for either two finer ones of twice as many again.
  T *above = scratch, *below = above + 2 * kPiece, *finer_above = below + 2 * kPiece, *finer_below = finer_above + 4 * kPiece;
  const int64_t rows = job.planes * job.height;
  for (int64_t row = 2 * rows * share / shares; row < 2 * rows * (share + 1) / shares; row++) {
    const int which = row >= rows;
    const int64_t within = row - which * rows, plane = within / job.height;
    const Image& image = job.images[which];
    const T centre = ((const T*)job.centres[which])[plane], outside = T(job.low) - centre, shift = job.stored ? T(0) : centre;
    const auto read = [&](int64_t r, int64_t first, int64_t n, T* to) INLINE_LAMBDA {
      read_line(image, start_of(image, plane, job.channels, r, first), n, shift, to);
    };
    const auto halve_and_read = [&](int64_t r, int64_t first, int64_t n, T* to) INLINE_LAMBDA {
      halve_row<T>(*job.first, r, first, n, outside, finer_above, finer_below, to, read);
    };
    for (int64_t column = 0; column < job.width; column += kPiece) {
      const int64_t count = job.width - column < kPiece ? job.width - column : kPiece;
      T* out = (T*)job.out[which] + within * job.width + column;
      if (job.first)
        halve_row<T>(job.last, within % job.height, column, count, outside, above, below, out, halve_and_read);
      else
        halve_row<T>(job.last, within % job.height, column, count, outside, above, below, out, read);
    }
  }
}

int64_t coarser_scratch(const Coarser&, bool is_double) { return 12 * kPiece * (is_double ? sizeof(double) : sizeof(float)); }

template <class T>
void spread_of(const Spread& job, int share, int shares) {
  const int64_t rows = job.planes * job.height;
  for (int64_t i = rows * share / shares; i < rows * (share + 1) / shares; i++) {
    const int64_t plane = i / job.height, row = i % job.height;
    T* line = (T*)job.gradient.data + start_of(job.gradient, plane, job.channels, row, 0);
    const T keep = (T)job.keep[plane];
    int64_t coarse_row = 0;
    const int times = job.coarse ? times_held(job.to_coarse, row, job.coarse_h, &coarse_row) : 0;
    if (times)
      spread_row<T>(line, 0, job.width, keep, job.to_coarse, (const T*)job.coarse + (plane * job.coarse_h + coarse_row) * job.coarse_w, 0,
                    job.coarse_w, T(0.25) * (T)times);
    else
      for (int64_t c = 0; c < job.width; c++) line[c] *= keep;
  }
}

void spread(const Spread& job, bool is_double, int share, int shares, void*) {
  is_double ? spread_of<double>(job, share, shares) : spread_of<float>(job, share, shares);
}

int64_t spread_scratch(const Spread&, bool) { return 64; }

void pixel_means(const PixelMeans& job, bool is_double, int share, int shares) {
  is_double ? pixel_means_of<double>(job, share, shares) : pixel_means_of<float>(job, share, shares);
}

void sorted_means(const SortedMeans& job, bool is_double, int share, int shares, void* scratch) {
  is_double ? sorted_means_of<double>(job, share, shares, (char*)scratch) : sorted_means_of<float>(job, share, shares, (char*)scratch);
}

int64_t sorted_means_scratch(const SortedMeans& job, bool is_double) { return is_double ? sorted_room<double>(job) : sorted_room<float>(job); }

void warp(const Warp& job, bool is_double, int share, int shares) {
  is_double ? warp_of<double>(job, share, shares) : warp_of<float>(job, share, shares);
}

// Subtracted before anything is squared: a number near most of the plane's pixels, so that those keep their digits. The median of a grid of
// them costs no pass of its own, and neither a few far brighter ones nor one that is not a number move it. Under a mask, pixels of weight 0
// are left out, and where that leaves none of the grid, the first ones of the plane that have a weight are taken.
template <class T>
void centres_of(const Image& image, const Image& mask, const int64_t* shape, int share, int shares, T* out) {
  constexpr int64_t kGrid = 8, kMost = kGrid * kGrid;
  const int64_t planes = shape[0] * shape[1];
  for (int64_t plane = planes * share / shares; plane < planes * (share + 1) / shares; plane++) {
    T pixels[kMost] = {};
    int count = 0;
    const auto take = [&](int64_t row, int64_t column) INLINE_LAMBDA {
      if (mask.data) {
        T weight;
        read_line(mask, start_of(mask, plane, shape[1], row, column), 1, T(0), &weight);
        if (weight == 0) return;
      }
      read_line(image, start_of(image, plane, shape[1], row, column), 1, T(0), pixels + count);
      if (pixels[count] - pixels[count] == 0) count++;  // neither infinite nor not a number
    };
    for (int64_t k = 0; k < kMost; k++) take((2 * (k / kGrid) + 1) * shape[2] / (2 * kGrid), (2 * (k % kGrid) + 1) * shape[3] / (2 * kGrid));
    if (mask.data && !count)
      for (int64_t row = 0; row < shape[2]; row++)
        for (int64_t column = 0; column < shape[3] && count < kMost; column++) take(row, column);
    out[plane] = T(0);
    for (int i = 0; i < count; i++) {  // the pixel that half of the others are below: counted, which vectors do faster than sorting
      int below = 0, equal = 0;
      for (int j = 0; j < count; j++) {
        below += pixels[j] < pixels[i];
        equal += pixels[j] == pixels[i];
      }
      if (below > count / 2 || below + equal <= count / 2) continue;
      out[plane] = pixels[i];
      break;
    }
  }
}

void centres(const Image& image, const Image& mask, const int64_t* shape, bool is_double, int share, int shares, void* out) {
  is_double ? centres_of(image, mask, shape, share, shares, (double*)out) : centres_of(image, mask, shape, share, shares, (float*)out);
}

}  // namespace

#define QUOTED(word) #word
#define NAME_OF(word) QUOTED(word)
extern const Kernels kernels;
const Kernels kernels = {NAME_OF(SSIMLOSS_SET),
                         {similarity, similarity_scratch},
                         {either<Edges, edges_of, edges_of>, edges_scratch},
                         {either<EdgeMeans, edge_means_of, edge_means_of>, edge_means_scratch},
                         {either<SimilarityDeviation, similarity_deviation_of, similarity_deviation_of>, similarity_deviation_scratch},
                         {either<Blocks, block_means_of, block_means_of>, block_scratch},
                         {either<Blocks, unblock_of, unblock_of>, block_scratch},
                         {either<Product, product_of, product_of>, product_scratch},
                         {either<Decimation, decimate_of, decimate_of>, decimate_scratch},
                         {either<Undecimation, undecimate_of, undecimate_of>, undecimate_scratch},
                         {either<Change, change_of, change_of>, change_scratch},
                         {either<Detail, detail_of, detail_of>, detail_scratch},
                         {either<HaarMeans, haar_means_of, haar_means_of>, haar_means_scratch},
                         {either<ColorMeans, color_means_of, color_means_of>, color_means_scratch},
                         {either<FlipMeans, flip_means_of, flip_means_of>, flip_means_scratch},
                         {either<HVSErrors, hvs_errors_of, hvs_errors_of>, hvs_errors_scratch},
                         {subbands, subbands_scratch},
                         subband_elements,
                         {phase_congruency, phase_congruency_scratch},
                         phase_congruency_memory,
                         {neighbour_products, neighbour_products_scratch},
                         {either<Mixture, information_map_of, information_map_of>, information_map_scratch},
                         {either<OpponentPlanes, to_opponent_of, to_opponent_of>, opponent_scratch},
                         {either<OpponentPlanes, from_opponent_of, from_opponent_of>, opponent_scratch},
                         {either<VisibleErrors, visible_errors_of, visible_errors_of>, visible_errors_scratch},
                         visible_errors_tiles,
                         {either<Coarser, coarser_of, coarser_of>, coarser_scratch},
                         {spread, spread_scratch},
                         pixel_means,
                         {sorted_means, sorted_means_scratch},
                         warp,
                         prepare,
                         squared_errors,
                         centres};

}  // namespace SSIMLOSS_SET
}  // namespace ssimloss
