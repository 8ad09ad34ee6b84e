using ZeroOS.Linux;

namespace ZeroOS.Tests.Linux.Files;

public sealed class StandardDescriptorsTests
{
    [Fact]
    public void Descriptor_that_this_process_opened_itself_is_none_of_the_standard_ones()
    {
        using FileDescriptor ours = FileDescriptor.Open("/dev/zero", OpenFlags.ReadOnly);
        Assert.Null(StandardDescriptors.Duplicate(ours.Number));
        using FileDescriptor? input = StandardDescriptors.Duplicate(0);
        Assert.NotNull(input);
    }
}
