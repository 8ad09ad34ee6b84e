using ZeroOS.Formats.Tpm;
using ZeroOS.Linux;

namespace ZeroOS.Node.Identity;

/// <summary>What this start offers for sealing: a TPM 2 and the image's signed policy. Either may be missing, and says why when it is asked for.</summary>
internal sealed class SealingMeans : IDisposable
{
    private readonly TpmDevice? _device;
    private readonly Func<IdentityTpm> _tpm;
    private readonly Func<SignedPolicy> _policy;

    /// <summary>Given ones; each throws <see cref="SealException"/> if there is none.</summary>
    internal SealingMeans(Func<IdentityTpm> tpm, Func<SignedPolicy> policy) => (_tpm, _policy) = (tpm, policy);

    private SealingMeans(TpmDevice? device)
    {
        _device = device;
        _tpm = () => new IdentityTpm(new TpmClient((device ?? throw NoTpm()).Exchange));
        _policy = () => SignedPolicy.Read();
    }

    /// <summary>The TPM.</summary>
    public IdentityTpm Tpm => _tpm();

    /// <summary>The image's signed policy.</summary>
    public SignedPolicy Policy => _policy();

    /// <summary>Those of this computer and this start.</summary>
    public static SealingMeans OfThisStart()
    {
        try
        {
            return new SealingMeans(TpmDevice.TryOpen());
        }
        catch (LinuxException e)
        {
            return new SealingMeans(() => throw new SealException("tpm-failed", e.Message), () => SignedPolicy.Read());
        }
    }

    /// <summary>Closes the TPM; the kernel flushes what was left in it.</summary>
    public void Dispose() => _device?.Dispose();

    // A TPM of version 1.2 has /dev/tpm0 and no resource manager.
    private static SealException NoTpm() => File.Exists("/dev/tpm0") ? new SealException("no-tpm", "the TPM is of version 1.2; 2.0 is needed")
        : new SealException("no-tpm", "there is no TPM, or it is switched off in the firmware's setup");
}
