using ZeroOS.Guest.Sessions;

namespace ZeroOS.Tests.Guest.Sessions;

public sealed class ByteQueueTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public void Bytes_come_out_as_they_went_in_while_it_grows(int seed)
    {
        const int First = 16 * 1024, Last = 100_000;
        Random random = new(seed);
        ByteQueue queue = new(First);
        int capacity = First, added = 0, taken = 0;
        for (int i = 0; i < 20_000; i++)
        {
            if (i == 10_000)
                queue.Grow(capacity = Last);
            byte[] data = new byte[random.Next(Math.Min(capacity - (added - taken), 9000) + 1)];
            for (int j = 0; j < data.Length; j++)
                data[j] = Pattern(added + j);
            queue.Add(data);
            added += data.Length;
            ReadOnlySpan<byte> oldest = queue.Oldest;
            Assert.Equal(added > taken, oldest.Length > 0);
            int count = random.Next(oldest.Length + 1);
            for (int j = 0; j < count; j++)
                Assert.True(oldest[j] == Pattern(taken + j), $"byte {taken + j} is {oldest[j]}");
            queue.Drop(count);
            taken += count;
        }
        Assert.InRange(added, 10 * Last, int.MaxValue);
    }

    [Fact]
    public void More_than_it_may_hold_is_a_fault_and_changes_nothing()
    {
        ByteQueue queue = new(10);
        queue.Add([1, 2, 3]);
        Assert.Throws<InvalidOperationException>(() => queue.Add(new byte[8]));
        queue.Grow(11);
        queue.Add(new byte[8]);
        queue.Grow(5);
        queue.Drop(8);
        queue.Add(new byte[8]);
        Assert.Throws<InvalidOperationException>(() => queue.Add([1]));
    }

    private static byte Pattern(int at) => (byte)((at * 31) ^ (at >> 8));
}
