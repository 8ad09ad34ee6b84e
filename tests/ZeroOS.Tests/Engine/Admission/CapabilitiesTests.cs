using Xunit;

using ZeroOS.Contracts.Guest;
using ZeroOS.Engine.Admission;

namespace ZeroOS.Tests.Engine.Admission;

/// <summary>As Docker counts them (oci/caps of moby).</summary>
public sealed class CapabilitiesTests
{
    private const ulong All = (1UL << 41) - 1, NetAdmin = 1UL << 12, NetRaw = 1UL << 13, Chown = 1;

    [Theory]
    [InlineData("", "", GuestProcess.DefaultCapabilities)]
    [InlineData("NET_ADMIN", "", GuestProcess.DefaultCapabilities | NetAdmin)]
    [InlineData("", "cap_net_raw", GuestProcess.DefaultCapabilities & ~NetRaw)]
    [InlineData("NET_RAW", "NET_RAW", GuestProcess.DefaultCapabilities)]
    [InlineData("", "ALL", 0UL)]
    [InlineData("CHOWN CAP_NET_ADMIN", "ALL", Chown | NetAdmin)]
    [InlineData("ALL", "", All)]
    [InlineData("all", "CHOWN", All & ~Chown)]
    [InlineData("ALL", "ALL", All)]
    public void Added_and_dropped_ones_make_a_set(string added, string dropped, ulong set) => Assert.Equal(set, Capabilities.Of(Words(added), Words(dropped)));

    [Fact]
    public void Names_are_the_kernels()
    {
        Assert.Equal(1UL << 40, Capabilities.Of(["CHECKPOINT_RESTORE"], ["ALL"]));
        Assert.Equal(1UL << 21, Capabilities.Of(["SYS_ADMIN"], ["ALL"]));
        Assert.Equal(1UL << 31, Capabilities.Of(["SETFCAP"], ["ALL"]));
        Assert.False(Capabilities.IsName("CAP_CAP_CHOWN"));
        Assert.False(Capabilities.IsName(""));
        Assert.True(Capabilities.IsName("All"));
    }

    private static string[] Words(string text) => text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
