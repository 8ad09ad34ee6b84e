using ZeroOS.Linux;
using ZeroOS.Oci.Registry;
using ZeroOS.Workloads;

namespace ZeroOS.Images.Store;

/// <summary>What went wrong, as the reason codes that tenants see.</summary>
internal static class Failures
{
    /// <summary>The registry did not deliver.</summary>
    public static string Reason(RegistryException e) => e.Failure switch
    {
        RegistryFailure.NotFound => "image-not-found",
        RegistryFailure.Denied => "registry-denied",
        RegistryFailure.Invalid => "registry-invalid",
        _ => "registry-unreachable",
    };

    /// <summary>The disk did not take or give it.</summary>
    public static string Reason(IOException e) => ErrnoOf(e) is Errno.ENOSPC or Errno.EDQUOT ? "disk-full" : "storage-failed";

    /// <summary>As an answer to who wanted the image; only what the registry does not know is permanent.</summary>
    public static WorkloadException Of(RegistryException e) => new(Reason(e), e.Message, permanent: e.Failure == RegistryFailure.NotFound);

    /// <summary>As an answer to who wanted the image. The path stays in the log: tenants do not see the node's.</summary>
    public static WorkloadException Of(IOException e) => Reason(e) == "disk-full"
        ? new WorkloadException("disk-full", "the node's disk is full; the image is fetched as soon as there is room")
        : new WorkloadException("storage-failed", $"the node's disk failed ({ErrnoOf(e)})");

    // The runtime's own file calls keep the kernel's number in HResult.
    private static Errno ErrnoOf(IOException e) => e is LinuxException linux ? linux.Errno : (Errno)e.HResult;
}
