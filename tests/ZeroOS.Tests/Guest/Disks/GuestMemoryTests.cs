using Xunit;

using ZeroOS.Guest.Disks;
using ZeroOS.Linux;

namespace ZeroOS.Tests.Guest.Disks;

public sealed class GuestMemoryTests
{
    [Theory]
    [InlineData("", 0x43FF, "mode=1777")]
    [InlineData("size=4096,mode=700", 0x41ED, "mode=755,size=4096,mode=700")]
    public void The_mode_of_the_directory_below_comes_first(string said, int below, string options) =>
        Assert.Equal(options, GuestMemory.Options(said, below));

    [Fact]
    public void Flags_have_names_and_others_are_refused()
    {
        Assert.Equal(MountFlags.NoSuid | MountFlags.ReadOnly, GuestMemory.Flags(["nosuid", "ro"]));
        Assert.Throws<ArgumentException>(() => GuestMemory.Flags(["bind"]));
    }
}
