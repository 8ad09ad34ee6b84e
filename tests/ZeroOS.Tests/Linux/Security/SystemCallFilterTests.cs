using Xunit;

using ZeroOS.Linux;
using ZeroOS.Linux.Security;

namespace ZeroOS.Tests.Linux.Security;

public class SystemCallFilterTests
{
    private static readonly SystemCallRule[] s_rules =
    [
        new(SystemCall.read, "always"),
        new(SystemCall.ioctl, "two requests", ArgumentRule.OneOf(1, 0xae80, 0x8090ae81)),
        new(SystemCall.ioctl, "a third one, on one descriptor", ArgumentRule.OneOf(0, 5), ArgumentRule.OneOf(1, 7)),
        new(SystemCall.mmap, "never executable, never shared", ArgumentRule.Without(2, 4), ArgumentRule.Without(3, 1)),
        new(SystemCall.brk, "only low", ArgumentRule.Without(0, 0xffff_0000_0000_0001)),
        new(SystemCall.clone3, "not seen through") { Answer = Errno.ENOSYS },
    ];

    private readonly SystemCallFilter _filter = SystemCallFilter.Compile("test", s_rules, OnForbidden.Kill);

    [Fact]
    public void A_call_of_the_table_is_allowed_and_every_other_is_the_end()
    {
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_filter, SystemCall.read));
        HashSet<uint> named = [.. s_rules.Select(r => (uint)r.Call)];
        for (uint number = 0; number < 1000; number++)
        {
            if (!named.Contains(number))
                Assert.Equal(FilterMachine.Kill, FilterMachine.Run(_filter, FilterMachine.NativeArchitecture, number));
        }
    }

    [Fact]
    public void Rows_of_one_call_are_alternatives_and_arguments_of_one_row_are_not()
    {
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_filter, SystemCall.ioctl, 9, 0xae80));
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_filter, SystemCall.ioctl, 9, 0x8090ae81));
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_filter, SystemCall.ioctl, 5, 7));
        Assert.Equal(FilterMachine.Kill, FilterMachine.Run(_filter, SystemCall.ioctl, 9, 7));
        Assert.Equal(FilterMachine.Kill, FilterMachine.Run(_filter, SystemCall.ioctl, 5, 8));
    }

    [Fact]
    public void Of_an_argument_of_32_bits_the_upper_half_is_not_looked_at_as_the_kernel_does_not() =>
        Assert.Equal(FilterMachine.Allow, FilterMachine.Run(_filter, SystemCall.ioctl, 9, 0xffffffff_0000ae80));

    [Theory]
    [InlineData(3UL, 0x22UL, true)]
    [InlineData(7UL, 0x22UL, false)]
    [InlineData(4UL, 0x22UL, false)]
    [InlineData(3UL, 0x21UL, false)]
    public void A_forbidden_bit_among_others_is_found(ulong protection, ulong flags, bool allowed) =>
        Assert.Equal(allowed ? FilterMachine.Allow : FilterMachine.Kill, FilterMachine.Run(_filter, SystemCall.mmap, 0, 4096, protection, flags));

    [Theory]
    [InlineData(0x7ffe_0000UL, true)]
    [InlineData(0x7ffe_0001UL, false)]
    [InlineData(0x1_0000_0000_0000UL, false)]
    [InlineData(0x8000_0000_0000_0000UL, false)]
    public void Both_halves_of_a_long_argument_are_compared(ulong address, bool allowed) =>
        Assert.Equal(allowed ? FilterMachine.Allow : FilterMachine.Kill, FilterMachine.Run(_filter, SystemCall.brk, address));

    [Fact]
    public void A_call_may_be_answered_with_an_error_and_its_caller_lives() =>
        Assert.Equal(FilterMachine.Error(Errno.ENOSYS), FilterMachine.Run(_filter, SystemCall.clone3));

    [Fact]
    public void Calls_of_other_architectures_are_the_end_whatever_their_number()
    {
        const uint I386 = 0x40000003, X32 = 0x40000000;
        Assert.Equal(FilterMachine.Kill, FilterMachine.Run(_filter, I386, (uint)SystemCall.read));
        Assert.Equal(FilterMachine.Kill, FilterMachine.Run(_filter, FilterMachine.NativeArchitecture, X32 | (uint)SystemCall.read));
    }

    [Fact]
    public void A_table_that_is_too_long_for_the_kernel_is_refused()
    {
        SystemCallRule wide = new(SystemCall.ioctl, "many", ArgumentRule.OneOf(1, [.. Enumerable.Range(0, 200).Select(i => (ulong)i)]));
        Assert.Throws<ArgumentException>(() => SystemCallFilter.Compile("long", [.. Enumerable.Repeat(wide, 21)], OnForbidden.Kill));
    }
}
