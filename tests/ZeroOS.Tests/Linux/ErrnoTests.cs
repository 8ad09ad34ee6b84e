using Mono.Unix.Native;

namespace ZeroOS.Tests.Linux;

/// <summary>Mono.Posix, whose numbers come from the C headers by its own native library, judges the names of errors.</summary>
public class ErrnoTests
{
    public static TheoryData<ZeroOS.Linux.Errno> Named => [.. Enum.GetValues<ZeroOS.Linux.Errno>().Where(e => e != ZeroOS.Linux.Errno.None)];

    [Theory]
    [MemberData(nameof(Named))]
    public void Every_error_has_the_number_that_Mono_gives_its_name(ZeroOS.Linux.Errno ours)
    {
        Assert.True(Enum.TryParse(ours.ToString(), out Errno theirs), $"{ours} is not an error that Mono knows");
        Assert.Equal((int)ours, NativeConvert.FromErrno(theirs));
    }
}
