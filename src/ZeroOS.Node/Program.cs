namespace ZeroOS.Node;

internal static class Program
{
    private static int Main() => 0;
}
