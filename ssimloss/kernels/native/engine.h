// The native library: the structures and functions that its parts share, and (at the end) its C interface.
//
// Plain structures only. The kernels are compiled once per instruction set, and an inline function or a template of the standard library
// compiled with AVX-512 might be the copy that the linker keeps for everyone: they include no C++ header with code in it.

#pragma once

#include <stdint.h>

namespace ssimloss {

constexpr int kMaxTaps = 33;

enum DType : int32_t { kFloat32, kFloat64, kFloat16, kBFloat16, kUInt8 };
enum Border : int32_t { kValid, kReflect, kReplicate, kZeros };
enum Part : int32_t { kSSIM, kContrastStructure };
enum class Formula : int32_t { kStructural, kCorrelation, kInformation, kLuminance, kDistance };  // of stream.h
enum Pixel : int32_t { kNoPixel, kL1, kL2, kCharbonnier, kHuber };
enum Filter : int32_t { kPrewitt, kScharr, kSobel, kLaplacian, kNeighbours };  // of edge_means.h
enum Curve : int32_t { kSimilarityCurve, kMagnitude, kSquare, kSmooth, kLength, kStrength, kSquaredStrength };
enum Outside : int32_t { kNone, kZero, kEdge };  // what a 2 x 2 block finds beyond the image

// A tensor (N, C, H, W); strides in elements. The pointer is null if the tensor is not needed.
struct Image {
  void* data;
  int64_t stride[4];
  int32_t dtype;
};

// From one scale to the next: block (i, j) holds the rows 2 i - before_h and 2 i - before_h + 1, likewise the columns.
struct Halving {
  int64_t fine_h, fine_w;
  int32_t before_h, before_w;
  int32_t outside;
};

// One pass of stream.h over a pair of images. Everything that is computed is float64 if `is_double`, else float32.
struct Similarity {
  Formula formula;
  Image x, y;
  int64_t planes, channels, height, width;  // planes = N C; the size is that after halving
  const Halving* halving;                   // null: the images as they are
  const void *centre_x, *centre_y;          // a number near the pixels of each plane, which is subtracted
  bool stored;                              // the images are coarser scales as stored: float or double, centred already
  double low;                               // where the data range begins
  int32_t border, pad;                      // pad: pixels added at each side, 0 for kValid
  const double* window;
  int32_t taps, part;
  double c1, c2;  // for Correlation: the variances at which a window is flat, and of low contrast

  double* row_sums;             // of the map, (planes, map rows, sums), or null
  Image map;                    // receives the map
  Image upstream;               // multiplies the derivatives, per position
  double scale;                 // multiplies them
  const double* plane_scale;    // and so does this one, per plane; null: 1
  const double* sum_scales;     // (planes, sums) where an equation has several sums: what the derivatives of each are multiplied by
  double limit;                 // of the gain, for Information
  const double* constants;      // of Information in the pixel domain: noise, flat, epsilon; null: VMAF's
  Image grad_x, grad_y;         // receive the gradient; of the computing type
  bool alike;                   // planes are laid side by side in any company as in a full one: the same bits
  bool add;                     // to what they hold, instead of taking its place
  Image mask;                   // weights of the pixels, where the equation is one under a mask
  int32_t pixel;                // a distance per pixel, added to the gradient with this weight
  double eps, pixel_weight;
  double* pixel_sums;           // (planes, height)

  // Where the gradient is that of a coarser scale: what still coarser ones add, and the finer one that it is spread over.
  const void *coarse_x, *coarse_y;  // (planes, coarse_h, coarse_w) of the computing type
  int64_t coarse_h, coarse_w;
  Halving to_coarse;                // from this scale to that one
  const double* fine_scale;         // with `halving`: grad_x is fine and becomes fine_scale * grad_x + what this scale adds
};

// A coarser scale of both images, stored: halved once, or twice where `first` is given, minus the centre.
struct Coarser {
  Image images[2];
  int64_t planes, channels;
  const void* centres[2];
  bool stored;  // the images are such scales themselves, centred already
  double low;
  const Halving* first;
  Halving last;
  void* out[2];  // (planes, height, width) of the computing type
  int64_t height, width;
};

// The gradient of a scale: keep * itself, plus a quarter of the coarser pixel over it.
struct Spread {
  Image gradient;  // of the computing type
  int64_t planes, channels, height, width;
  const double* keep;  // per plane
  const void* coarse;  // (planes, coarse_h, coarse_w) of the computing type, or null
  int64_t coarse_h, coarse_w;
  Halving to_coarse;
};

// Pixels of an image that one thread adds up, see pixel_means.h.
constexpr int64_t kPixelBlock = 4 * 8320;

// Distances per pixel over images of one length, in blocks, see pixel_means.h.
struct PixelMeans {
  Image x, y;
  int64_t shape[4];
  int32_t pixel;
  double eps;    // of Charbonnier, or where Huber's distance turns
  bool clipped;  // to low and high, other distances than Huber's
  double low, high;
  double* sums;    // (N, blocks)
  int64_t blocks;  // per image
  double slope;    // multiplies the derivatives
  Image grad;      // receives the derivative of the mean of each image; of the computing type
};

// Distances of the sorted pixels of each plane, see sorted_means.h.
struct SortedMeans {
  Image x, y;
  int64_t shape[4];
  int32_t power;         // of the differences: 1 or 2
  double slope;          // multiplies the derivatives of the means
  double* means;         // per plane
  Image grad_x, grad_y;  // receive the gradient; of the computing type
};

// Images at the positions that a flow moves, see warp.h: the values, or, with an upstream gradient, those of image and flow.
struct Warp {
  Image image, flow;  // (N, C, H, W) of the computing type, and (N, 2, H, W)
  int64_t shape[4];   // of the image
  Image upstream;
  Image out, grad_image, grad_flow;  // of the computing type, without gaps
};

// |Gx| + |Gy| of both images, and its transpose, see edges.h.
struct Edges {
  Image x, y;
  int64_t planes, channels, height, width;
  double low;
  void *of_x, *of_y;             // (planes, height, width) of the computing type: receive the magnitudes, or hold their gradient
  Image grad_x, grad_y;          // what that adds to the gradient of the images, of the computing type
};

// What a small filter finds in one image, in the difference of two, or in both, as values of a curve; see edge_means.h.
struct EdgeMeans {
  Image x, y;
  int64_t planes, channels, height, width;
  int32_t filter, border, curve;  // border: kZeros or kReplicate
  bool differs;                   // of x - y; else of x alone, or of both where the curve compares them
  double unit;                    // multiplies that difference
  double numbers[2];              // of the curve
  double weights[2];              // of slopes across and down, for curves that add them
  double* sums;                   // (planes, height, 2): of each row the sum, and that of squared distances from the row's mean; or null
  bool varies;                    // whether the latter are needed
  const double* means;            // per plane: the derivative is that of squared distances from these; null: of the sum
  double scale;                   // multiplies the derivatives
  Image grad_x, grad_y;           // receive the gradient; of the computing type
};

enum DeviationStep : int32_t { kRoots, kDistances, kDerivatives };

// A step of the mean deviation of the fourth root of a similarity, see deviation.h.
struct SimilarityDeviation {
  DeviationStep step;
  Image x, y;  // (count, 3, height, width): luma and two colour planes
  int64_t count, height, width;
  double alpha, constants[3];  // weight of the gradients; of gradients, of those of one image and the mean, of colours
  void* roots;                 // (count, height, width) of the computing type
  double* row_sums;            // (count, height, 3): of real and imaginary parts; of directions and of distances
  const double* means;         // (count, 4), per image: of the former two, and of directions
  double scale;                // multiplies the derivatives
  Image grad_x, grad_y;        // receive the gradient; of the computing type
};

// Weighted sums of channels and means of their blocks, see blocks.h.
struct Blocks {
  Image image;  // or, in the transpose, its gradient, of the computing type
  int64_t count, channels, height, width;
  int64_t rows;            // weighted sums for each pixel
  const double* weights;   // (rows, channels)
  double low;              // where the data range begins
  int64_t factor, before;  // side of a block; pixels by which the first one begins before the image
  bool repeated;           // beyond the border lie its pixels, not zeros
  int64_t block_rows, block_columns;
  Image blocks;  // (count, rows, block_rows, block_columns) of the computing type, or its gradient
};

// Maps of factors at every position, see product.h.
struct Product {
  void* maps;  // (factors, planes, height, width) of the computing type; become the derivatives
  int64_t factors, planes, height, width;
  bool complement;  // what is added up is 1 less the product
  double scale;     // of the derivatives of the product
  double* row_sums;  // (planes, height)
};

// Both images of planes (planes, 1, height, width) filtered, every second sample of each: see decimation.h.
struct Decimation {
  Image images[2];
  int64_t planes, height, width, out_height, out_width;
  const void* centres[2];
  bool stored;  // the images are such scales themselves, centred already
  const double* window;
  int32_t taps, pad;  // pad: pixels mirrored at each side
  void* out[2];       // (planes, out_height, out_width) of the computing type
};

// Its transpose, added to the gradient of the finer image.
struct Undecimation {
  Image gradient;  // of the computing type
  int64_t planes, channels, height, width, out_height, out_width;
  const double* window;
  int32_t taps, pad;
  const void* coarse;  // (planes, out_height, out_width) of the computing type
};

// Sums of |the difference of two images under a window|, mirrored without the edge, of planes (planes, 1, height, width).
struct Change {
  Image x, y;
  int64_t planes, height, width;
  const double* window;  // symmetric
  int32_t taps;
  double* row_sums;  // (planes, height)
};

// One scale of the additive distortion measure of planes (planes, 1, height, width), see detail.h: approximations and sums, or, where
// `grad_x` is given, the gradient.
struct Detail {
  Image x, y;  // the distorted image and its reference
  int64_t planes, height, width;
  const void* centres[2];
  bool stored;  // the images are approximations, centred already
  double limit, cosine, weights[3];
  void *coarse_x, *coarse_y;  // receive the approximations, (planes, rows, columns) of the bands, or null
  double* row_sums;           // (planes, rows, 2, 3)
  const double* upstream;     // (planes, 2, 3)
  const void *of_coarse_x, *of_coarse_y;  // the gradient of the approximations, or null
  Image grad_x, grad_y;       // receive the gradient; of the computing type
};

// The weighted mean over each image of a logistic curve of unlike Haar coefficients, see haar.h.
struct HaarMeans {
  Image x, y;  // (count, channels, height, width): luma, or luma, I and Q
  int64_t count, channels, height, width;
  double c, alpha, decayed;  // exp(-alpha)
  double least;              // added to each weight
  double* row_sums;          // (count, height, 2): of weighted curves, and of weights; or null
  const double *means, *masses;  // per image, for the gradient
  double scale;                  // multiplies the derivatives
  Image grad_x, grad_y;          // receive the gradient; of the computing type
};

// The mean over each image of colour differences, see colors.h.
struct ColorMeans {
  Image x, y;  // (count, 1 or 3, height, width)
  int64_t count, channels, height, width;
  double low, unit;  // of the data range: where it begins, and 1 over its span
  double k[3];       // tolerances of lightness, chroma and hue
  double* row_sums;  // (count, height)
  double scale;      // multiplies the derivatives
  Image grad_x, grad_y;  // receive the gradient; of the computing type
};

// The mean over each image of FLIP, see flip.h.
struct FlipMeans {
  Image x, y;  // (count, 1 or 3, height, width)
  int64_t count, channels, height, width;
  double low, unit;           // of the data range: where it begins, and 1 over its span
  const double* sensitivity;  // filters down and across of Y, X - Y and, twice, Y - Z: (4, 2, taps)
  const double* detection;    // a Gaussian, and its first and second derivative: (3, taps)
  int64_t taps;               // odd
  double* row_sums;           // (count, height)
  double scale;               // multiplies the derivatives
  Image grad_x, grad_y;       // receive the gradient; of the computing type
};

// Errors of blocks of 8 x 8 pixels, see hvs.h.
struct HVSErrors {
  Image x, y;  // (count, channels, height, width)
  int64_t count, channels, height, width;
  const double* sensitivity;  // (8, 8)
  const double* masking;      // (8, 8), or null: nothing is masked
  const double* weights;      // of the channels: their sum is compared; or null: each is
  double* row_sums;           // (count, planes, height / 8)
  double scale;               // multiplies the derivatives
  Image grad_x, grad_y;       // receive the gradient of whole blocks; of the computing type
};

enum SubbandStep : int32_t { kToSubbands, kCompareSubbands, kFromSubbands };

// A step of the similarity of subbands of one image, or of its gradient, see subbands.h.
struct Subbands {
  SubbandStep step;
  Image x, y;                               // (count, channels, height, width)
  int64_t image, channels, height, width;   // which image of a batch
  const double* channel_weights;            // of the sum that is compared
  const void* centres[2];                   // (channels), of the computing type: subtracted from the channels of x and y
  double beyond[2];                         // what the first frequency is beyond the border of x and y, less these
  const int32_t* kept;                      // (frequencies): which of the 64, row by row, the mean first
  int64_t frequencies;
  const double* window;                     // (3)
  double c_mean, c_detail;                  // constants of the first frequency and of the others
  double still;                             // a deviation below this can come from rounding
  int64_t worst;                            // positions that count in each subband
  const double* factors;                    // (frequencies): multiply the derivatives of losses
  void* subbands;                           // (2, frequencies, height / 8 + 2, width / 8 + 2): of x and y, then their gradients
  double* losses;                           // (frequencies + 1): of contrast, and of the structure of the first frequency
  Image grad_x, grad_y;                     // receive the gradient of whole blocks; of the computing type
};

constexpr int kMostStages = 32;

// A discrete Fourier transform along one dimension; see fourier.h.
struct Fourier {
  int64_t length;
  int32_t stages, radices[kMostStages];
  const void* factors;    // of the computing type, real and imaginary parts: of each stage; or the chirp
  const int32_t* place;   // of each frequency in the result
  const Fourier* padded;  // the transform that convolves with the chirp, or null
  const void* response;   // of that convolution
};

constexpr int kPhaseOrientations = 4;
constexpr int kPhaseGroup = 16;  // columns of filters that lie side by side
constexpr int kPhaseNoise = 5;   // numbers of an orientation: the threshold, then twice a pixel and the derivative of its finest amplitude

enum PhaseStep : int32_t {
  kImageRows,
  kSpectrumColumns,
  kResponseColumns,  // of an orientation
  kEnergies,         // of an orientation
  kNoise,
  kCongruency,
  kUpstream,
  kSlopes,           // of an orientation
  kGradientColumns,  // of an orientation
  kSumColumns,
  kGradientRows,
};

// A step of phase congruency of one image, or of its gradient, see phase.h. All but `noise` is of the computing type.
struct PhaseCongruency {
  PhaseStep step;
  int64_t height, width;
  int32_t orientation;
  Fourier along_rows, along_columns;
  const void* image;    // (height, width), of mean 0
  const void* filters;  // (4, 4, groups of columns, height, columns of a group)
  const void* factors;  // of the noise of an orientation
  bool lower_median;    // of an even number: the lower one of the middle two, not the root of the mean of their squares
  double epsilon, tiny, least;  // added to the length of a mean response, to the squares of lengths, to the sum of amplitudes
  void *congruency, *amplitude;  // (height, width)
  uint8_t* above;                // (height, width): a bit per orientation whose energy is above its noise
  double* noise;                 // (4, kPhaseNoise)
  const void* upstream;          // (height, width), or null
  double* band_sums;             // (height, 4): of the derivatives of energies above their noise
  double of_energies[kPhaseOrientations];
  void* gradient;  // (height, width)
  void* memory;    // that the steps share
};

// The information at positions of a band, or what it depends on, see mixture.h. All but `row_sums` is of the computing type. K pixels are in a
// neighbourhood, 10 with a parent and 9 without.
struct Mixture {
  const void *x, *y;    // (planes, height, width)
  const void* parent;   // (planes, height - 2, width - 2): at the middle of each neighbourhood; or null
  int64_t planes, height, width;
  double* row_sums;           // (planes, height - 2, K (K + 1) / 2), for the sums of products
  const void* factor;         // (planes, K, K), lower triangular
  const void* variances;      // (planes, K)
  double noise, flat, least;  // variance of the noise; what is added to a variance; the least one that counts
  void* map;                  // (planes, height - 10, width - 10)
  const void* upstream;       // of the map, for the gradient, or null
  void* gradient;             // (planes, height, width): of x
};

// Both images of a pair in opponent colours, or the gradient of that, see opponent.h.
struct OpponentPlanes {
  Image images[2];
  int64_t image, channels, height, width;  // which image of a batch
  bool stored;                             // the planes hold the linear light of a coarser scale; else the images are read
  double low, unit;                        // of the data range: where it begins, and 1 over its span
  void* planes[2];                         // (3, height, width) of the computing type: become, or are, opponent colours
  void* coarse[2];  // (3, (height + 1) / 2, (width + 1) / 2): receive the linear light of the next scale, or hold its gradient, or null
  void* gradients[2];       // (3, height, width): of opponent colours, become those of linear light; null where not wanted
  Image image_gradients[2];  // receive the gradient; of the computing type
};

// What multiplies the derivative of an error: mean + norm * (error / unit)^3.
struct ErrorSlope {
  double mean, norm, unit;
};

// Errors of structure, ringing and blur of three planes, see opponent.h.
struct VisibleErrors {
  const void *x, *y;  // (3, height, width) of the computing type
  int64_t height, width;
  bool counts[3], structure[3];  // whether any error of a plane, and that of structure, has a weight
  double* row_sums;              // (3, tiles, height, 3, 3): the sum, the largest, the sum of fourth powers in units of the latter
  ErrorSlope slopes[3][3];       // by plane and error, for the gradient
  void *grad_x, *grad_y;         // (3, height, width), or null
};

// Both images as a program prepares them, see preparation.h.
struct Preparation {
  Image images[2];  // of one type
  int64_t count, channels, height, width;  // the size is that after cropping
  int64_t crop;                            // pixels off every side
  double low, span;                        // of the data range
  bool clamp, quantize, round;             // only clamped images are quantized
  const double* weights;                   // of R, G and B, or of their levels, and the offset of the luma; null: all channels
  bool to_double;
  void* out[2];  // (count, 1 or channels, height, width) of double or float; null where only their difference is asked for
};

// A share of a job is worked on by one thread; results do not depend on how many there are.
template <class Job>
struct Kernel {
  void (*run)(const Job&, bool is_double, int share, int shares, void* scratch);
  int64_t (*scratch)(const Job&, bool is_double);  // bytes of working memory per share, aligned to 64
};

// What one instruction set offers.
struct Kernels {
  const char* name;
  Kernel<Similarity> similarity;
  Kernel<Edges> edges;
  Kernel<EdgeMeans> edge_means;
  Kernel<SimilarityDeviation> similarity_deviation;
  Kernel<Blocks> block_means;
  Kernel<Blocks> unblock;
  Kernel<Product> product;
  Kernel<Decimation> decimate;
  Kernel<Undecimation> undecimate;
  Kernel<Change> change;
  Kernel<Detail> detail;
  Kernel<HaarMeans> haar_means;
  Kernel<ColorMeans> color_means;
  Kernel<FlipMeans> flip_means;
  Kernel<HVSErrors> hvs_errors;
  Kernel<Subbands> subbands;
  int64_t (*subband_elements)(const Subbands&, bool is_double);  // of the computing type that the steps share
  Kernel<PhaseCongruency> phase_congruency;
  int64_t (*phase_congruency_memory)(const PhaseCongruency&, bool is_double);  // bytes that the steps share
  Kernel<Mixture> neighbour_products;
  Kernel<Mixture> information_map;
  Kernel<OpponentPlanes> to_opponent;
  Kernel<OpponentPlanes> from_opponent;
  Kernel<VisibleErrors> visible_errors;
  int64_t (*visible_errors_tiles)(int64_t width);
  Kernel<Coarser> coarser;
  Kernel<Spread> spread;
  void (*pixel_means)(const PixelMeans&, bool is_double, int share, int shares);
  Kernel<SortedMeans> sorted_means;
  void (*warp)(const Warp&, bool is_double, int share, int shares);
  void (*prepare)(const Preparation&, int share, int shares);
  void (*squared_errors)(const Preparation&, int share, int shares, double* row_sums);  // (count, 1 or channels, height)
  void (*centres)(const Image&, const Image& mask, const int64_t* shape, bool is_double, int share, int shares, void* out);
};

namespace baseline { extern const Kernels kernels; }
namespace avx2 { extern const Kernels kernels; }
namespace avx512 { extern const Kernels kernels; }

// Calls body(argument, share, shares) for every share, on that many threads where there is reason to.
using Body = void (*)(void* argument, int share, int shares);
void parallel(int threads, Body body, void* argument);
// How it does so, in words.
const char* describe_threads();

}  // namespace ssimloss
