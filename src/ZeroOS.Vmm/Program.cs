namespace ZeroOS.Vmm;

internal static class Program
{
    private static int Main() => 0;
}
