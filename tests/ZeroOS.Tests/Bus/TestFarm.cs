using ZeroOS.Bus.Farm;
using ZeroOS.Bus.Keys;
using ZeroOS.Contracts.Farm;

namespace ZeroOS.Tests.Bus;

/// <summary>Farm settings as their owner first makes them.</summary>
internal static class TestFarm
{
    public static FarmSettings Of(IdentityKey owner, ReadOnlySpan<byte> recoverySeed) => new()
    {
        FarmId = Guid.CreateVersion7().ToString(),
        Version = 1,
        Name = "test",
        Owners = [owner.Id.Text],
        Threshold = 1,
        RecoverySigningKey = RecoveryKey.SigningKey(recoverySeed).Text,
        RecoveryEncryptionKey = RecoveryKey.EncryptionKey(recoverySeed),
    };
}
