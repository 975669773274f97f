package fuse

// Feature is a set of abilities negotiated with the kernel when it connects.
type Feature uint64

// Features that this server can negotiate. What each means is said in the
// kernel's header linux/fuse.h under the same name.
const (
	FeatureAsyncRead       Feature = 1 << 0
	FeatureAtomicTrunc     Feature = 1 << 3
	FeatureBigWrites       Feature = 1 << 5
	FeatureDontMask        Feature = 1 << 6
	FeatureAutoInvalData   Feature = 1 << 12
	FeatureReaddirPlus     Feature = 1 << 13
	FeatureReaddirPlusAuto Feature = 1 << 14
	FeatureAsyncDirectIO   Feature = 1 << 15
	FeatureWritebackCache  Feature = 1 << 16
	FeatureParallelDirOps  Feature = 1 << 18
	FeaturePosixACL        Feature = 1 << 20
	FeatureAbortError      Feature = 1 << 21
	FeatureMaxPages        Feature = 1 << 22
	FeatureCacheSymlinks   Feature = 1 << 23
	FeatureExplicitInval   Feature = 1 << 25
	FeatureKillPrivV2      Feature = 1 << 28
	FeatureSetxattrExt     Feature = 1 << 29
	FeatureInitExt         Feature = 1 << 30
	FeatureExpireOnly      Feature = 1 << 35
	FeatureDirectIOMmap    Feature = 1 << 36
	FeatureResend          Feature = 1 << 39
)

// defaultFeatures are asked for unless refused; the writeback cache only by
// option. POSIX and BSD locks are left to the kernel, so they are not here.
const defaultFeatures = FeatureAsyncRead | FeatureAtomicTrunc | FeatureBigWrites | FeatureDontMask |
	FeatureReaddirPlus | FeatureReaddirPlusAuto | FeatureAsyncDirectIO | FeatureParallelDirOps |
	FeaturePosixACL | FeatureAbortError | FeatureMaxPages | FeatureCacheSymlinks | FeatureExplicitInval |
	FeatureKillPrivV2 | FeatureSetxattrExt | FeatureInitExt | FeatureExpireOnly | FeatureDirectIOMmap |
	FeatureResend
